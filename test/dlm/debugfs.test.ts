import test from 'ava';
import fc from 'fast-check';
import { parseLocks } from '../../src/dlm/debugfs.js';

const HEADER = 'id nodeid remid pid xid exflags flags sts grmode rqmode time r_nodeid r_len r_name\n';

function parse(...lines: (string | Buffer)[]) {
  return parseLocks(Buffer.concat([HEADER, ...lines].map((line) => Buffer.from(line))));
}

test('a granted lock, its owner and its name are read', (t) => {
  const { locks, skipped } = parse('2b 0 0 417 0 80 0 2 5 -1 1234567 0 5 "vm/a7"\n');
  t.is(skipped, 0);
  t.deepEqual(locks, [{
    lkid: 0x2b, resource: 'vm/a7', granted: 'EX', requested: null, status: 'granted',
    ownerPid: 417, markedOrphan: false,
  }]);
});

test('the orphan flag of older kernels is read from the flags', (t) => {
  const { locks } = parse('1 0 0 417 0 80 3 2 5 -1 9 0 1 "a"\n', '2 0 0 417 0 80 1 2 5 -1 9 0 1 "b"\n');
  t.deepEqual(locks.map((lock) => lock.markedOrphan), [true, false]);
});

test('a lock that converts has both modes, one that waits for its first grant holds NL', (t) => {
  const { locks } = parse('1 2 7 41 0 84 0 3 0 5 9 2 1 "a"\n', '2 0 0 41 0 0 0 1 -1 3 9 0 1 "b"\n');
  t.deepEqual(locks.map(({ granted, requested, status }) => [granted, requested, status]),
    [['NL', 'EX', 'converting'], ['NL', 'PR', 'waiting']]);
});

test('locks of other nodes that this one is master for are left out', (t) => {
  const { locks, skipped } = parse(
    '1 2 1 99 0 80 10000 2 5 -1 9 0 1 "a"\n', '2 2 5 41 0 80 0 2 5 -1 9 2 1 "b"\n',
  );
  t.deepEqual(locks.map((lock) => lock.resource), ['b']);
  t.is(skipped, 0);
});

for (const name of ['with space', 'quo"te', '"\n', 'two\nlines', '" 1 0 0 "', '1 0 0 1 0 0 0 2 5']) {
  test(`the name ${JSON.stringify(name)} is read whole, and the line after it too`, (t) => {
    const { locks, skipped } = parse(
      `1 0 0 41 0 80 0 2 5 -1 9 0 ${name.length} "${name}"\n`, '2 0 0 41 0 80 0 2 3 -1 9 0 1 "b"\n',
    );
    t.deepEqual(locks.map((lock) => lock.resource), [name, 'b']);
    t.is(skipped, 0);
  });
}

test('a name of bytes that are no UTF-8 is shown escaped', (t) => {
  const line = Buffer.concat([
    Buffer.from('1 0 0 41 0 80 0 2 5 -1 9 0 3 "'), Buffer.from([0x61, 0xff, 0x00]),
    Buffer.from('"\n'),
  ]);
  t.is(parse(line).locks[0]?.resource, 'a\\xff\\x00');
});

test('a name that the kernel cut at a NUL byte does not swallow the next line', (t) => {
  const { locks } = parse('1 0 0 41 0 80 0 2 5 -1 9 0 64 "cut"\n', '2 0 0 1 0 0 0 2 0 -1 9 0 1 "b"\n');
  t.deepEqual(locks.map((lock) => lock.resource), ['cut', 'b']);
});

test('a lock shown twice counts once', (t) => {
  const line = '1 0 0 41 0 80 0 2 5 -1 9 0 1 "a"\n';
  t.is(parse(line, line).locks.length, 1);
});

test('lines that make no sense are skipped and counted', (t) => {
  const { locks, skipped } = parse(
    'nonsense\n', '1 0 0 41 0 80 0 9 5 -1 9 0 1 "status"\n', '1 0 0 41 0 80 0 2 9 -1 9 0 1 "m"\n',
    '1 0 0 41 0 80 0 2 5 -1 9 0 99 "x"\n', '3 0 0 41 0 80 0 2 5 -1 9 0 2 "ok"\n', '4 0 0 41 0 8',
  );
  t.deepEqual(locks.map((lock) => lock.resource), ['ok']);
  t.is(skipped, 5);
});

test('an empty file and a bare header hold no locks', (t) => {
  t.deepEqual(parseLocks(Buffer.alloc(0)), { locks: [], skipped: 0 });
  t.deepEqual(parse(), { locks: [], skipped: 0 });
});

test('no input makes the parser throw or loop', (t) => {
  const seed = Date.now();
  t.log(`seed ${seed}`);
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.constantFrom('1 0 0 41 0 80 0 2 5 -1 9 0 3 "abc"\n', '"\n', '\n', ' 2 5 -1')
      .map((text) => Buffer.from(text)),
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
    const { locks, skipped } = parseLocks(Buffer.concat(pieces));
    return locks.every((lock) => lock.resource.length <= 64 * 4) && skipped >= 0;
  }), { seed, numRuns: 500 });
  t.pass();
});

test('the file of a real node (Linux 6.1) with two orphans is read', (t) => {
  const file = Buffer.from(
    'id nodeid remid pid xid exflags flags sts grmode rqmode time_ms r_nodeid r_len r_name\n'
    + '2 0 0 262 0 85 3 2 3 -1 9038582 0 3 "b 1"\n1 0 0 262 0 85 3 2 5 -1 9060434 0 1 "a"\n',
  );
  const { locks, skipped } = parseLocks(file);
  t.is(skipped, 0);
  t.deepEqual(locks.map(({ resource, granted, markedOrphan }) => [resource, granted, markedOrphan]),
    [['b 1', 'PR', true], ['a', 'EX', true]]);
});
