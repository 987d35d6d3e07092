import test from 'ava';

import { ListError } from '../../../src/coordinator/list/error.js';
import { sealLine } from '../../../src/coordinator/list/line.js';
import { MemoryDisk } from './memory-disk.js';
import { dropped, held, intent, listedIn, lockOf, openOn, PATH } from './setting.js';

const HEADER = {
  magic: 'holdfast-lock-list', major: 1, minor: 0, lockspace: 'holdfast', bootId: 'b', at: 1,
};

function fileOf(...values: object[]): string {
  return values.map((value) => `${sealLine(value)}\n`).join('');
}

const GOOD = [HEADER, intent(1), held(1), intent(2), held(2), intent(3), dropped(2)];

test('the records in their order say what is listed', async (t) => {
  const { states, found } = await listedIn(fileOf(...GOOD));
  t.deepEqual(states, ['1 held', '3 intent']);
  t.deepEqual(found.problems, []);
  t.is(found.keptAside, null);
  t.is(found.bootId, 'b');
});

test('every line is JSON whose last key is its checksum', async (t) => {
  const { disk } = await listedIn(fileOf(...GOOD));
  const lines = disk.text(PATH).trimEnd().split('\n');
  t.is(lines.length, 4);
  for (const line of lines) {
    t.is(Object.keys(JSON.parse(line) as object).at(-1), 'crc');
  }
});

test('a crash at any byte of the last line leaves what was before it, quietly', async (t) => {
  const before = fileOf(...GOOD);
  const after = before + fileOf(dropped(1));
  const whole = Buffer.from(after);
  for (let length = Buffer.byteLength(before); length <= whole.byteLength; length += 1) {
    const { states, found, logged } = await listedIn(whole.subarray(0, length));
    // With its closing brace the record is there, with or without its newline.
    const isWhole = length >= whole.byteLength - 1;
    t.deepEqual(states, isWhole ? ['3 intent'] : ['1 held', '3 intent']);
    t.deepEqual(found.problems, []);
    t.is(found.keptAside, null);
    const isTorn = length > Buffer.byteLength(before) && !isWhole;
    t.is(logged.some((line) => line.startsWith('info') && line.includes('cut off')), isTorn);
  }
});

test('a last line of zeros, as a power cut leaves it, is cut off', async (t) => {
  const content = Buffer.concat([Buffer.from(fileOf(...GOOD)), Buffer.alloc(300)]);
  const { states, found } = await listedIn(content);
  t.deepEqual(states, ['1 held', '3 intent']);
  t.deepEqual(found.problems, []);
});

test('a changed byte anywhere before the last line is reported and kept aside', async (t) => {
  const content = Buffer.from(fileOf(...GOOD, intent(9)));
  const lastLine = Buffer.byteLength(fileOf(...GOOD));
  for (let at = 0; at < lastLine; at += 7) {
    const damaged = Buffer.from(content);
    damaged[at] = (damaged[at] ?? 0) ^ 0x04;
    const { states, found, disk } = await listedIn(damaged);
    t.true(found.problems.length > 0, `byte ${at}`);
    t.true(states.includes('9 intent'), 'what comes after the damage is used');
    t.true(disk.files.get(found.keptAside ?? '')?.bytes.equals(damaged));
    t.regex(found.keptAside ?? '', /^\/list\/locks\.jsonl\.damaged-20260921T/);
  }
});

test('a problem says which line, at which byte, and what was done', async (t) => {
  const lines = fileOf(...GOOD).split('\n');
  const offset = Buffer.byteLength(`${lines[0]}\n${lines[1]}\n${lines[2]}\n`);
  lines[3] = lines[3]?.replace('vm-2', 'vm-X') ?? '';
  const { found, states } = await listedIn(lines.join('\n'));
  t.deepEqual(states, ['1 held', '3 intent']);
  t.is(found.problems.length, 3);
  t.is(
    found.problems[0],
    `${PATH}: line 4 (byte ${offset}) is damaged: its checksum does not fit: skipped`,
  );
  t.regex(found.problems[1] ?? '', /line 5 .* says "held" of lock 2, which nothing before it lists/);
});

test('an id that is listed twice after damage stands for the later lock', async (t) => {
  const second = { kind: 'intent', at: 5, lock: lockOf(1, 'other') };
  const { found } = await listedIn(fileOf(HEADER, intent(1), held(1), second, held(1)));
  t.deepEqual(found.locks.map(({ lock, state }) => [lock.resource, state]), [['other', 'held']]);
  t.is(found.problems.length, 1);
});

test('a missing header is reported, and the records are used', async (t) => {
  const { states, found } = await listedIn(fileOf(intent(1), held(1)));
  t.deepEqual(states, ['1 held']);
  t.is(found.problems.length, 1);
  t.is(found.bootId, null);
});

test('a file of a newer major version is refused, left as it is, and not claimed', async (t) => {
  const disk = new MemoryDisk();
  const newer = fileOf({ magic: 'holdfast-lock-list', major: 2, other: true }, { kind: 'x' });
  disk.put(PATH, newer);
  const error = await t.throwsAsync(openOn(disk), { instanceOf: ListError });
  t.is(error.code, 'NEWER_VERSION');
  t.is(disk.text(PATH), newer);
  disk.files.delete(PATH);
  await t.notThrowsAsync(openOn(disk));
});

test('kinds of a newer minor version are kept as they are through rewrites', async (t) => {
  const kept = { kind: 'handed-over', at: 2, id: 1, to: 'CW' };
  const odd = { ...held(1), more: 'kept' };
  const { states, found, disk } = await listedIn(
    fileOf({ ...HEADER, minor: 3 }, intent(1), odd, kept),
  );
  t.deepEqual(states, ['1 held']);
  t.deepEqual(found.problems, []);
  t.true(disk.text(PATH).includes(sealLine(kept)));
  t.true(disk.text(PATH).includes(sealLine(odd)));
  t.true(disk.text(PATH).includes('"minor":3'));
});

test('an unknown kind that no newer version explains is a problem', async (t) => {
  const { found } = await listedIn(fileOf(HEADER, { kind: 'handed-over', id: 1 }, intent(1)));
  t.regex(found.problems.join(), /line 2 .* of a kind that this version does not have/);
});

test('a line with a fitting checksum that is no record is a problem', async (t) => {
  const { found } = await listedIn(fileOf(HEADER, { kind: 'held', at: 1, id: 'x' }, intent(1)));
  t.regex(found.problems.join(), /is no record/);
});

test("another lockspace's list is kept aside and not used", async (t) => {
  const other = fileOf({ ...HEADER, lockspace: 'old' }, intent(1));
  const { states, found, disk } = await listedIn(other);
  t.deepEqual(states, []);
  t.is(found.otherLockspace, 'old');
  t.is(disk.text(found.keptAside ?? ''), other);
});

test('a megabyte of garbage is bounded in what it says', async (t) => {
  const { found, states } = await listedIn(Buffer.alloc(1_000_000, 'garbage\n'));
  t.deepEqual(states, []);
  t.is(found.problems.length, 101);
  t.regex(found.problems.at(-1) ?? '', /more problems/);
});
