import test from 'ava';
import { parseProcessStat, readProcessStat } from '../../src/cli/process-stat.js';

const TAIL = ' 4194560 100 0 0 0 1 2 0 0 20 0 1 0 987654 1000 10';

for (const name of ['sleep', 'a b', 'a) S 1 (', ')) 7 8 9', '']) {
  test(`the fields are counted behind the command's name: "${name}"`, (t) => {
    const text = `4711 (${name}) S 1 4710 4700 34816 4712${TAIL}`;
    t.deepEqual(parseProcessStat(text), {
      group: 4710, foregroundGroup: 4712, startTime: 987_654,
    });
  });
}

test('this process has a start time in the past', async (t) => {
  const { startTime } = await readProcessStat('self');
  t.true(Number.isInteger(startTime) && startTime > 0);
});
