import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { digestEntries } from '../../../src/coordinator/core/digest.js';
import type { ManifestEntry, Ring } from '../../../src/coordinator/core/message.js';
import { MAGIC } from '../../../src/coordinator/wire/codec.js';
import { entryToWire } from '../../../src/coordinator/wire/entry.js';
import type { Group } from '../../../src/cpg/index.js';
import type { EmbeddedProcess } from '../../../src/embedded/index.js';

/** What the next protocol might add: a message of its own, and fields in all that there are. */
const NEWER: readonly (readonly [after: RegExp, added: string])[] = [
  [/oneof body \{/, 'Gossip gossip = 47; '],
  [/message Envelope \{/, 'string zone = 60; repeated uint32 hops = 61; '],
  [/message Hello \{/, 'repeated string features = 40; Gossip mood = 41; '],
  [/message Snapshot \{/, 'bytes compression = 40; '],
  [/message Delta \{/, 'uint64 cause = 40; '],
  [/message Digest \{/, 'string algorithm = 40; '],
  [/message Entry \{/, 'string zone = 40; map<string, string> labels = 41; '],
  [/message Owner \{/, 'string team = 40; '],
  [/message Named \{/, 'string realm = 40; '],
  [/package holdfast.v1;/, '\nmessage Gossip { string text = 1; Gossip reply = 2; }'],
];

function newerEnvelope(): protobuf.Type {
  const text = NEWER.reduce((proto, [after, added]) => {
    if (!after.test(proto)) throw new Error(`the proto file has no ${after.source}`);
    return proto.replace(after, (found) => `${found} ${added}`);
  }, readFileSync('proto/holdfast/v1/manifest.proto', 'utf8'));
  return protobuf.parse(text, { keepCase: false }).root.lookupType('holdfast.v1.Envelope');
}

/** One message as the newer daemon reads it: its body's name and content, and who sent it. */
export interface Heard {
  readonly nodeId: number;
  readonly body: string;
  readonly content: Readonly<Record<string, unknown>>;
}

interface Speaks {
  readonly min: number;
  readonly max: number;
}

/** Stands in for a daemon of a later version: it speaks from a later proto file, by itself. */
export class NewerDaemon {
  readonly heard: Heard[] = [];
  readonly #type = newerEnvelope();
  readonly #speaks: Speaks;
  readonly #group: Group;
  readonly #entries = new Map<number, ManifestEntry>();
  #ring: Ring | null = null;
  #version = 1;
  #seq = 0;

  private constructor(group: Group, speaks: Speaks) {
    this.#group = group;
    this.#speaks = speaks;
    group.on('ring', (ring) => {
      this.#ring = ring;
      this.#sayHello();
    });
    group.on('view', () => this.#sayHello());
    group.on('message', (from, payload) => this.#hear(payload));
  }

  static async join(process: EmbeddedProcess, speaks: Speaks): Promise<NewerDaemon> {
    const group = await process.openGroup();
    const daemon = new NewerDaemon(group, speaks);
    await group.join('holdfast');
    return daemon;
  }

  /** As if it had been granted that. */
  hold(entry: ManifestEntry): void {
    this.#version += 1;
    this.#entries.set(entry.id, entry);
    this.#send({
      delta: { manifestVersion: this.#version, changed: [newer(entry)], removed: [], cause: 7 },
    });
  }

  drop(id: number): void {
    this.#version += 1;
    this.#entries.delete(id);
    this.#send({ delta: { manifestVersion: this.#version, changed: [], removed: [id], cause: 8 } });
  }

  /** A message of a type that protocol 1 does not have. */
  gossip(): void {
    this.#send({ gossip: { text: 'what is new?', reply: { text: 'nothing' } } });
  }

  tellDigest(): void {
    this.#send({
      digest: { manifestVersion: this.#version, digest: this.#digest(), algorithm: 'the same' },
    });
  }

  #sayHello(): void {
    if (this.#ring === null) return;
    this.#send({
      hello: {
        nodeName: 'newer', bootId: 'boot-newer', softwareVersion: '9.0.0',
        manifestVersion: this.#version, digest: this.#digest(), features: ['zones', 'gossip'],
        mood: { text: 'good' },
      },
    });
  }

  #digest(): string {
    return digestEntries(this.#entries.values());
  }

  #send(body: Readonly<Record<string, unknown>>): void {
    const { min, max } = this.#speaks;
    const ring = this.#ring;
    if (ring === null) throw new Error('the newer daemon has no ring yet');
    this.#seq += 1;
    const bytes = this.#type.encode(this.#type.fromObject({
      protocolMin: min, protocolMax: max, nodeId: this.#group.self.nodeId,
      incarnation: Buffer.alloc(16, 0xee), seq: this.#seq,
      ring: { nodeId: ring.nodeId, seq: Number(ring.seq) },
      zone: 'east', hops: [1, 2, 3], ...body,
    })).finish();
    void this.#group.multicast(Buffer.concat([MAGIC, bytes]));
  }

  #hear(payload: Uint8Array): void {
    const message = this.#type.decode(payload.subarray(MAGIC.byteLength));
    const read = this.#type.toObject(message, { longs: Number, enums: String, oneofs: true });
    const { nodeId, body } = read as { nodeId: number; body: string };
    const content = read[body] as Readonly<Record<string, unknown>>;
    this.heard.push({ nodeId, body, content });
    if (body === 'request' && content['nodeId'] === this.#group.self.nodeId) this.#tellAll();
  }

  #tellAll(): void {
    const entries = [...this.#entries.values()].map(newer);
    this.#send({ snapshot: {
      manifestVersion: this.#version, part: 0, parts: 1, entries, compression: Buffer.alloc(2),
    } });
  }
}

/** An entry with what the next protocol says beside it. */
function newer(entry: ManifestEntry): Readonly<Record<string, unknown>> {
  const { owner, ...wire } = entryToWire(entry);
  const named = owner?.named === null || owner?.named === undefined
    ? null : { ...owner.named, realm: 'here' };
  return { ...wire, owner: { named, team: 'red' }, zone: 'east', labels: { rack: '7' } };
}
