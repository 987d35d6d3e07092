import test from 'ava';
import fc from 'fast-check';
import { DlmError } from '../../src/dlm/error.js';
import {
  convertOptions, openOptions, purgeOptions, takeOptions, unlockOptions,
} from '../../src/dlm/lock-options.js';
import { checkLockspace, checkMode, checkResource } from '../../src/dlm/names.js';
import { mayWriteAtUnlock, valueEffect } from '../../src/dlm/value-effect.js';

const TAKE = { resource: 'r', mode: 'EX', wait: true } as const;
const VALUE = new Uint8Array(32).fill(9);

test('flags become the bits of libdlm.h', (t) => {
  t.deepEqual(takeOptions(TAKE), { flags: 0, value: null });
  const all = ['HEADQUE', 'NOORDER', 'NOQUEUEBAST', 'ALTPR', 'ALTCW'] as const;
  t.is(takeOptions({ ...TAKE, flags: all, value: 'read' }).flags, 0x1000 | 0x2000 | 0x800
    | 0x8000 | 0x10000 | 0x8);
  const convert = ['QUECVT', 'CONVDEADLK', 'NODLCKWT'] as const;
  t.is(convertOptions({ mode: 'EX', wait: true, flags: convert }).flags, 0x10 | 0x40 | 0x100);
  t.deepEqual(openOptions({ flags: ['NODIR', 'NEWEXCL'] }), { flags: 9, exclusive: true });
  t.deepEqual(unlockOptions({ force: true }), { flags: 0x20000, value: null });
  t.deepEqual(unlockOptions({ value: 'invalidate' }), { flags: 0x20, value: null });
});

test('a value is copied: the caller may go on with its buffer', (t) => {
  const bytes = Uint8Array.from(VALUE);
  const { value } = unlockOptions({ value: bytes });
  bytes.fill(0);
  t.deepEqual(value, VALUE);
});

test('the table of value blocks is the one of the kernel', (t) => {
  const modes = ['NL', 'CR', 'CW', 'PR', 'PW', 'EX'] as const;
  const table = modes.map((held) =>
    modes.map((asked) => valueEffect(held, asked).charAt(0)).join(''));
  // Rows: from, columns: to. r reads, w writes, n does nothing.
  t.deepEqual(table, ['rrrrrr', 'nrrrrr', 'nnrrrr', 'nnnrrr', 'wwwwwr', 'wwwwww']);
  t.deepEqual(modes.filter(mayWriteAtUnlock), ['PW', 'EX']);
});

test('whatever a caller gives, it is taken or refused with BAD_REQUEST', (t) => {
  const anything = fc.oneof(
    fc.anything(),
    fc.record({
      resource: fc.oneof(fc.string(), fc.anything()),
      mode: fc.oneof(fc.constantFrom('EX', 'NL'), fc.anything()),
      wait: fc.oneof(fc.boolean(), fc.anything()),
      persistent: fc.anything(), flags: fc.oneof(fc.array(fc.string()), fc.anything()),
      value: fc.oneof(fc.uint8Array(), fc.anything()), force: fc.anything(),
      nodeId: fc.anything(), pid: fc.anything(),
    }, { requiredKeys: [] }),
  );
  const calls: readonly ((input: never) => unknown)[] = [
    takeOptions, convertOptions, unlockOptions, openOptions,
    (input: never) => purgeOptions(input, [1, null]),
    (input: never) => checkResource('take', input),
    (input: never) => checkMode('take', input),
    (input: never) => checkLockspace('open', input),
  ];
  fc.assert(fc.property(anything, (input) => calls.every((call) => {
    try {
      call(input as never);
      return true;
    } catch (thrown) {
      return thrown instanceof DlmError && thrown.code === 'BAD_REQUEST'
        && thrown.message.length < 1_000;
    }
  })));
  t.pass();
});

test('a purge of the caller\'s own process is refused: the kernel would drop locks in use', (t) => {
  t.throws(() => purgeOptions({ pid: 12 }, [12, 13]), { instanceOf: DlmError });
  t.deepEqual(purgeOptions({ pid: 14, nodeId: 2 }, [12, 13]), { pid: 14, nodeId: 2 });
  t.deepEqual(purgeOptions({}, [12]), { pid: 0, nodeId: 0 });
});
