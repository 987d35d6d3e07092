import type { ManifestEntry } from '../core/message.js';
import type { LockMode } from '../core/mode.js';
import type { Owner } from '../core/owner.js';
import type { LockState } from '../core/view.js';
import { integer, named, present, reverse, safeInteger, text } from './field.js';
import { holdfast } from './generated/manifest.js';
import { handoverFromWire, handoverToWire } from './handover.js';
import {
  LOCKSPACE_BYTES_MAX, OWNER_NAME_BYTES_MAX, PID_MAX, RESOURCE_BYTES_MAX,
} from './limits.js';

const { Mode, State } = holdfast.v1;

const MODES: Readonly<Record<LockMode, holdfast.v1.Mode>> = {
  NL: Mode.MODE_NL,
  CR: Mode.MODE_CR,
  CW: Mode.MODE_CW,
  PR: Mode.MODE_PR,
  PW: Mode.MODE_PW,
  EX: Mode.MODE_EX,
};

const STATES: Readonly<Record<LockState, holdfast.v1.State>> = {
  taking: State.STATE_TAKING,
  waiting: State.STATE_WAITING,
  held: State.STATE_HELD,
  releasing: State.STATE_RELEASING,
  orphaned: State.STATE_ORPHANED,
  quarantined: State.STATE_QUARANTINED,
  lost: State.STATE_LOST,
};

const MODE_OF = reverse(MODES);
const STATE_OF = reverse(STATES);

/** A manifest's entry as the generated code takes it; WireError BAD_FIELD. */
export function entryToWire(entry: ManifestEntry): holdfast.v1.Entry.$Properties {
  return {
    id: safeInteger(entry.id, 'entry.id', 0),
    resource: text(entry.resource, 'entry.resource', RESOURCE_BYTES_MAX),
    lockspace: text(entry.lockspace, 'entry.lockspace', LOCKSPACE_BYTES_MAX),
    mode: MODES[entry.mode],
    ...(entry.converting === null ? {} : { converting: MODES[entry.converting] }),
    state: STATES[entry.state],
    owner: entry.owner === null ? null : ownerToWire(entry.owner),
    sinceMs: safeInteger(entry.since, 'entry.since', 0),
    generation: generationToWire(entry.generation),
    ...(entry.handover === undefined ? {} : { handover: handoverToWire(entry.handover) }),
  };
}

/** A manifest's entry as it was sent; WireError BAD_FIELD. */
export function entryFromWire(wire: holdfast.v1.Entry.$Properties): ManifestEntry {
  return {
    id: safeInteger(wire.id ?? 0, 'entry.id', 0),
    resource: text(wire.resource ?? '', 'entry.resource', RESOURCE_BYTES_MAX),
    lockspace: text(wire.lockspace ?? '', 'entry.lockspace', LOCKSPACE_BYTES_MAX),
    mode: named(MODE_OF, wire.mode, 'entry.mode'),
    converting: isSet(wire.converting) ? named(MODE_OF, wire.converting, 'entry.converting') : null,
    state: named(STATE_OF, wire.state, 'entry.state'),
    owner: wire.owner === null || wire.owner === undefined ? null : ownerFromWire(wire.owner),
    since: safeInteger(wire.sinceMs ?? 0, 'entry.since_ms', 0),
    // No generation is 0, and none was written before there were any.
    generation: safeInteger(wire.generation ?? 0, 'entry.generation', 0) || null,
    ...(wire.handover === null || wire.handover === undefined
      ? {}
      : { handover: handoverFromWire(wire.handover) }),
  };
}

/** Null is not written. */
function generationToWire(generation: number | null): number | null {
  return generation === null ? null : safeInteger(generation, 'entry.generation', 1);
}

function ownerToWire(owner: Owner): holdfast.v1.Owner.$Properties {
  switch (owner.kind) {
    case 'process': {
      const pid = integer(owner.pid, 'owner.pid', 1, PID_MAX);
      const startTime = safeInteger(owner.startTime, 'owner.start_time', 0);
      return { kind: 'process', process: { pid, startTime } };
    }
    case 'named': {
      const name = text(owner.name, 'owner.name', OWNER_NAME_BYTES_MAX);
      return { kind: 'named', named: { name } };
    }
    default:
      return owner satisfies never;
  }
}

function ownerFromWire(wire: holdfast.v1.Owner.$Properties): Owner {
  if (wire.named !== null && wire.named !== undefined) {
    const name = text(wire.named.name ?? '', 'owner.name', OWNER_NAME_BYTES_MAX);
    return { kind: 'named', name };
  }
  const process = present(wire.process, 'owner.kind');
  return {
    kind: 'process',
    pid: integer(process.pid ?? 0, 'owner.pid', 1, PID_MAX),
    startTime: safeInteger(process.startTime ?? 0, 'owner.start_time', 0),
  };
}

function isSet(value: number | null | undefined): boolean {
  return value !== null && value !== undefined && value !== 0;
}
