import { CLAIM_COUNT_MAX } from '../core/generations.js';
import type { MessageBody } from '../core/message.js';
import { entryFromWire, entryToWire } from './entry.js';
import { WireError } from './error.js';
import { bounded, integer, safeInteger, text } from './field.js';
import type { holdfast } from './generated/manifest.js';
import {
  BOOT_ID_BYTES_MAX, DIGEST_BYTES_MAX, ENTRIES_MAX, NODE_ID_MAX, NODE_NAME_BYTES_MAX, PARTS_MAX,
  REMOVED_MAX, VERSION_BYTES_MAX, VIEW_BYTES_MAX,
} from './limits.js';

type WireEnvelope = holdfast.v1.Envelope.$Properties;
type BodyOf<K extends MessageBody['kind']> = Extract<MessageBody, { kind: K }>;

/** The one field of the envelope that holds this body; WireError BAD_FIELD. */
export function bodyToWire(body: MessageBody): WireEnvelope {
  switch (body.kind) {
    case 'hello':
      // Checked by the same function that reads it: what is sent can be read.
      return { hello: hello(body) };
    case 'snapshot': {
      const { part, parts } = partOf(body);
      const entries = bounded(body.entries, 'snapshot.entries', ENTRIES_MAX).map(entryToWire);
      return { snapshot: { manifestVersion: version(body), part, parts, entries } };
    }
    case 'delta': {
      const changed = bounded(body.changed, 'delta.changed', ENTRIES_MAX).map(entryToWire);
      const removed = bounded(body.removed, 'delta.removed', REMOVED_MAX).map(removedId);
      return { delta: { manifestVersion: version(body), changed, removed } };
    }
    case 'digest':
      return { digest: { manifestVersion: version(body), digest: digestText(body) } };
    case 'request':
      return { request: { nodeId: integer(body.nodeId, 'request.node_id', 1, NODE_ID_MAX) } };
    case 'goodbye':
      return { goodbye: { keepsLocks: body.keepsLocks } };
    case 'claim':
      return { claim: claim(body) };
    case 'floor':
      return { floor: floor(body) };
    case 'unknown':
      throw new WireError('BAD_FIELD', 'a body of unknown type cannot be sent');
    default:
      return body satisfies never;
  }
}

/** The body that was sent, `unknown` when it is of a type of a newer protocol. */
export function bodyFromWire(wire: WireEnvelope): MessageBody {
  if (isThere(wire.hello)) return hello(wire.hello);
  if (isThere(wire.snapshot)) return snapshot(wire.snapshot);
  if (isThere(wire.delta)) return delta(wire.delta);
  if (isThere(wire.digest)) {
    const { digest } = wire;
    return { kind: 'digest', manifestVersion: version(digest), digest: digestText(digest) };
  }
  if (isThere(wire.request)) {
    const nodeId = integer(wire.request.nodeId ?? 0, 'request.node_id', 1, NODE_ID_MAX);
    return { kind: 'request', nodeId };
  }
  if (isThere(wire.goodbye)) {
    return { kind: 'goodbye', keepsLocks: wire.goodbye.keepsLocks ?? false };
  }
  if (isThere(wire.claim)) return claim(wire.claim);
  if (isThere(wire.floor)) return floor(wire.floor);
  return { kind: 'unknown' };
}

function hello(wire: holdfast.v1.Hello.$Properties): BodyOf<'hello'> {
  return {
    kind: 'hello',
    nodeName: text(wire.nodeName ?? '', 'hello.node_name', NODE_NAME_BYTES_MAX),
    bootId: text(wire.bootId ?? '', 'hello.boot_id', BOOT_ID_BYTES_MAX),
    softwareVersion: text(wire.softwareVersion ?? '', 'hello.software_version', VERSION_BYTES_MAX),
    manifestVersion: version(wire),
    digest: digestText(wire),
    generationFloor: safeInteger(wire.generationFloor ?? 0, 'hello.generation_floor', 0),
    view: viewText(wire.view, 'hello.view'),
  };
}

function claim(wire: holdfast.v1.Claim.$Properties): BodyOf<'claim'> {
  return {
    kind: 'claim',
    claimId: safeInteger(wire.claimId ?? 0, 'claim.claim_id', 1),
    count: integer(wire.count ?? 0, 'claim.count', 0, CLAIM_COUNT_MAX),
    floor: safeInteger(wire.floor ?? 0, 'claim.floor', 0),
  };
}

function floor(wire: holdfast.v1.Floor.$Properties): BodyOf<'floor'> {
  return {
    kind: 'floor',
    view: text(wire.view ?? '', 'floor.view', VIEW_BYTES_MAX),
    floor: safeInteger(wire.floor ?? 0, 'floor.floor', 0),
  };
}

/** Empty from a daemon that knows no generations. */
function viewText(view: string | null | undefined, field: string): string {
  return view === undefined || view === null || view === '' ? '' : text(view, field, VIEW_BYTES_MAX);
}

function snapshot(wire: holdfast.v1.Snapshot.$Properties): BodyOf<'snapshot'> {
  const entries = bounded(wire.entries ?? [], 'snapshot.entries', ENTRIES_MAX).map(entryFromWire);
  return { kind: 'snapshot', manifestVersion: version(wire), ...partOf(wire), entries };
}

function delta(wire: holdfast.v1.Delta.$Properties): BodyOf<'delta'> {
  const changed = bounded(wire.changed ?? [], 'delta.changed', ENTRIES_MAX).map(entryFromWire);
  const removed = bounded(wire.removed ?? [], 'delta.removed', REMOVED_MAX).map(removedId);
  return { kind: 'delta', manifestVersion: version(wire), changed, removed };
}

function partOf(wire: Pick<holdfast.v1.Snapshot.$Properties, 'part' | 'parts'>): Parts {
  const parts = integer(wire.parts ?? 0, 'snapshot.parts', 1, PARTS_MAX);
  return { part: integer(wire.part ?? 0, 'snapshot.part', 0, parts - 1), parts };
}

interface Parts {
  readonly part: number;
  readonly parts: number;
}

type WireWide = holdfast.v1.Digest.$Properties['manifestVersion'];

function version(wire: { readonly manifestVersion?: WireWide }): number {
  return safeInteger(wire.manifestVersion ?? 0, 'manifest_version', 0);
}

function removedId(id: NonNullable<WireWide>): number {
  return safeInteger(id, 'delta.removed', 0);
}

function digestText(wire: { readonly digest?: string | null }): string {
  return text(wire.digest ?? '', 'digest', DIGEST_BYTES_MAX);
}

function isThere<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}
