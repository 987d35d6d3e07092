import type { HandoverFacts, HandoverRole, HandoverStep } from '../core/handover.js';
import { integer, named, reverse, safeInteger, text } from './field.js';
import { holdfast } from './generated/manifest.js';
import { HANDOVER_ID_BYTES_MAX, NODE_ID_MAX } from './limits.js';

const { HandoverRole: Role, HandoverStep: Step } = holdfast.v1;

const ROLES: Readonly<Record<HandoverRole, holdfast.v1.HandoverRole>> = {
  source: Role.HANDOVER_ROLE_SOURCE,
  destination: Role.HANDOVER_ROLE_DESTINATION,
};

const STEPS: Readonly<Record<HandoverStep, holdfast.v1.HandoverStep>> = {
  offered: Step.HANDOVER_STEP_OFFERED,
  accepted: Step.HANDOVER_STEP_ACCEPTED,
  joined: Step.HANDOVER_STEP_JOINED,
  leaving: Step.HANDOVER_STEP_LEAVING,
  aborting: Step.HANDOVER_STEP_ABORTING,
};

const ROLE_OF = reverse(ROLES);
const STEP_OF = reverse(STEPS);

/** A handover as the generated code takes it; WireError BAD_FIELD. */
export function handoverToWire(handover: HandoverFacts): holdfast.v1.Handover.$Properties {
  const { id, role, nodeId, step, since } = handover;
  return {
    id: text(id, 'handover.id', HANDOVER_ID_BYTES_MAX),
    role: ROLES[role],
    nodeId: integer(nodeId, 'handover.node_id', 0, NODE_ID_MAX),
    step: STEPS[step],
    sinceMs: safeInteger(since, 'handover.since', 0),
  };
}

/** A handover as it was sent; WireError BAD_FIELD. */
export function handoverFromWire(wire: holdfast.v1.Handover.$Properties): HandoverFacts {
  return {
    id: text(wire.id ?? '', 'handover.id', HANDOVER_ID_BYTES_MAX),
    role: named(ROLE_OF, wire.role, 'handover.role'),
    nodeId: integer(wire.nodeId ?? 0, 'handover.node_id', 0, NODE_ID_MAX),
    step: named(STEP_OF, wire.step, 'handover.step'),
    since: safeInteger(wire.sinceMs ?? 0, 'handover.since_ms', 0),
  };
}
