import test from 'ava';
import { ListError } from '../../../src/coordinator/list/error.js';
import { sealLine } from '../../../src/coordinator/list/line.js';
import { PROBLEMS_MAX, readList } from '../../../src/coordinator/list/read.js';
import { LIST_MAGIC } from '../../../src/coordinator/list/shape.js';
import { fuzz, mutated } from '../../support/fuzz.js';
import { chooseSeed } from '../../support/property-seed.js';
import { createRandom } from '../../../src/embedded/index.js';
import { dropped, held, intent, PATH } from './setting.js';

const header = { magic: LIST_MAGIC, major: 1, minor: 0, lockspace: 'l', bootId: 'boot-1', at: 1 };
const values: readonly object[] = [header, intent(1), held(1), intent(2), dropped(2), { kind: 'newer', x: [1] }];
const fileOf = (lines: readonly object[]): Buffer =>
  Buffer.from(lines.map((line) => `${sealLine(line)}\n`).join(''));

test('whatever a lock list holds, reading fails by ListError alone and tells a bounded story', (t) => {
  const { decoded } = fuzz(
    { seed: chooseSeed(t), samples: [fileOf(values)], runs: 2_000 },
    (input) => readList(input, PATH), ListError,
    ({ problems, foreignLines }, input) => {
      t.true(problems.length <= PROBLEMS_MAX + 1);
      t.true(foreignLines.join('').length <= input.length);
    });
  t.true(decoded > 0);
});

test('lines with a fitting checksum may say anything', (t) => {
  const seed = chooseSeed(t);
  const random = createRandom(seed);
  // Mutated before they are sealed, so that what lies behind the checksum is reached.
  for (let run = 0; run < 1_500; run += 1) {
    const lines = values.map((value, index) => {
      const text = mutated(random, Buffer.from(JSON.stringify(value))).toString();
      try {
        const changed: unknown = JSON.parse(text);
        return typeof changed === 'object' && changed !== null && Object.keys(changed).length > 0
          ? changed : value;
      } catch {
        return index === 0 ? value : { kind: text };
      }
    });
    try {
      const { problems } = readList(fileOf(lines), PATH);
      t.true(problems.length <= PROBLEMS_MAX + 1);
    } catch (thrown) {
      t.true(thrown instanceof ListError, `seed ${seed}, run ${run}: ${String(thrown)}`);
    }
  }
});

test('a file of nothing but newlines, or of one endless line, is read without trouble', (t) => {
  t.true(readList(Buffer.alloc(200_000, '\n'), PATH).problems.length <= PROBLEMS_MAX + 1);
  t.is(readList(Buffer.alloc(1 << 20, 'a'), PATH).tornAt, 0);
});
