import { readFileSync } from 'node:fs';
import test from 'ava';
import protobuf from 'protobufjs';
import { BODIES } from './sample.js';

const golden = JSON.parse(
  readFileSync('test/coordinator/wire/golden.json', 'utf8'),
) as Record<string, string>;

test('every message of the proto file has a sample and golden bytes', (t) => {
  const { root } = protobuf.parse(readFileSync('proto/holdfast/v1/manifest.proto', 'utf8'));
  const envelope = root.lookupType('holdfast.v1.Envelope');
  const names = (envelope.oneofs['body']?.oneof ?? []).map((name) => kebab(name)).sort();
  t.true(names.length >= 8);
  t.deepEqual(BODIES.map(({ kind }) => String(kind)).sort(), names);
  for (const name of names) t.truthy(golden[name], name);
});

function kebab(name: string): string {
  return name.replace(/([A-Z])/g, (letter) => `-${letter.toLowerCase()}`);
}
