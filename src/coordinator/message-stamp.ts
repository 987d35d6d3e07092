import type { Effect } from './core/effect.js';
import { PROTOCOL_MAX, PROTOCOL_MIN, type MessageBody } from './core/message.js';
import type { State } from './core/state.js';
import { chunkManifest, encode } from './wire/index.js';

type SnapshotEffect = Extract<Effect, { kind: 'send-snapshot' }>;

/** Turns bodies into bytes, stamped with who, which incarnation, how many-th, in which ring. */
export class MessageStamp {
  readonly #state: State;
  #seq = 0;

  constructor(state: State) {
    this.#state = state;
  }

  encode(body: MessageBody): Uint8Array {
    this.#seq += 1;
    const { self, group } = this.#state;
    const ring = group.kind === 'away' ? null : group.ring;
    return encode({
      protocolMin: PROTOCOL_MIN,
      protocolMax: PROTOCOL_MAX,
      nodeId: self.nodeId,
      incarnation: self.incarnation,
      seq: this.#seq,
      // Without a ring nobody will take it for current, which is right.
      ring: ring ?? { nodeId: 0, seq: 0n },
      body,
    });
  }

  /** The whole manifest, in as many messages as its size needs. */
  encodeSnapshot(effect: SnapshotEffect): readonly Uint8Array[] {
    const { manifestVersion } = effect;
    const pieces = chunkManifest(effect.entries);
    return pieces.map((entries, part) =>
      this.encode({ kind: 'snapshot', manifestVersion, part, parts: pieces.length, entries }),
    );
  }
}
