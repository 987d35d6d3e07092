import test from 'ava';
import { DispatchWindow } from '../../src/cpg/dispatch-window.js';
import type { Koffi } from '../../src/native/koffi.js';
import type { NativeAddress, NativeMemory } from '../../src/native/memory.js';

/** C memory of the test's own: what lies at which address, and how it was read. */
function setUp() {
  const places = new Map<bigint, Uint8Array>();
  const reads: string[] = [];
  const koffi = {
    view(address: bigint, length: number) {
      reads.push(`view ${address}`);
      const buffer = new ArrayBuffer(length);
      new Uint8Array(buffer).set(places.get(address) ?? []);
      return buffer;
    },
  } as unknown as Koffi;
  const memory: NativeMemory = {
    copyBytes(address, bytes) {
      reads.push(`memcpy ${address}`);
      return Uint8Array.from((places.get(address ?? 0n) ?? new Uint8Array(0)).subarray(0, bytes));
    },
    decodeNodeIds: () => [],
  };
  const put = (address: number, text: string): NativeAddress => {
    places.set(BigInt(address), Buffer.from(text));
    return BigInt(address) as NativeAddress;
  };
  return { window: new DispatchWindow(koffi, memory), reads, put };
}

const textOf = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();

test('one view serves every message at the same address, whatever its size', (t) => {
  const { window, reads, put } = setUp();
  const at = put(4096, 'hello, world');
  t.is(textOf(window.copy(at, 5)), 'hello');
  t.is(textOf(window.copy(at, 12)), 'hello, world');
  t.is(window.copy(at, 0).byteLength, 0);
  t.is(textOf(window.look(at, 5)), 'hello');
  t.deepEqual(reads, ['view 4096']);
});

test('a copy is the receiver\'s: writing into it changes no other', (t) => {
  const { window, put } = setUp();
  const at = put(4096, 'abc');
  const first = window.copy(at, 3);
  first.fill(0);
  t.is(textOf(window.copy(at, 3)), 'abc');
});

test('a message elsewhere is read where it is', (t) => {
  const { window, reads, put } = setUp();
  const [here, there] = [put(4096, 'here'), put(8192, 'there')];
  t.is(textOf(window.copy(here, 4)), 'here');
  t.is(textOf(window.copy(there, 5)), 'there');
  t.is(textOf(window.copy(here, 4)), 'here');
  t.deepEqual(reads, ['view 4096', 'view 8192', 'view 4096']);
});

test('a place that keeps moving is not followed for ever, and nothing is lost by it', (t) => {
  const { window, reads, put } = setUp();
  for (let index = 1; index <= 100; index += 1) {
    t.is(textOf(window.copy(put(4096 * index, `m${index}`), `m${index}`.length)), `m${index}`);
  }
  const views = reads.filter((read) => read.startsWith('view')).length;
  t.true(views <= 32);
  t.is(reads.length, 100);
});

test('what is larger than the window, or nowhere, is left to memcpy', (t) => {
  const { window, reads, put } = setUp();
  const at = put(4096, 'x'.repeat(100));
  t.is(window.look(at, 2 << 20), null);
  t.is(window.copy(null, 0).byteLength, 0);
  t.is(reads.at(-1), 'memcpy null');
});
