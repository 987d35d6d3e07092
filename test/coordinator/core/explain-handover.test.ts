import test from 'ava';
import { explainHandover } from '../../../src/coordinator/core/explain-handover.js';
import type { HandoverRole, HandoverStep } from '../../../src/coordinator/core/handover.js';
import { aLock } from '../../control/fake-service.js';

const SINCE = '2030-01-01T00:00:00.000Z';

function end(role: HandoverRole, step: HandoverStep) {
  const [here, there] = role === 'source' ? ['a', 'b'] : ['b', 'a'];
  return aLock({
    node: { id: 1, name: here }, mode: 'CW',
    handover: { role, step, node: { id: 2, name: there }, since: SINCE },
  });
}

test('without a handover nothing is said', (t) => {
  t.deepEqual(explainHandover([aLock()]), []);
});

test('its direction and beginning are told from either end', (t) => {
  const begins = /^A handover is under way from a to b since 2030-01-01T00:00:00.000Z: nobody else/;
  for (const role of ['source', 'destination'] as const) {
    for (const step of ['offered', 'accepted', 'joined', 'leaving', 'aborting'] as const) {
      t.regex(explainHandover([end(role, step)])[0] ?? '', begins, `${role} ${step}`);
    }
  }
});

test('what would end it is told, by the source where it is known', (t) => {
  const both = [end('destination', 'joined'), end('source', 'joined')];
  t.regex(explainHandover(both)[0] ?? '', /'holdfast handover finish' on a gives it to b/);
  t.regex(explainHandover([end('source', 'offered')])[0] ?? '', /b has not joined yet/);
  t.regex(explainHandover([end('source', 'aborting')])[0] ?? '', /a has it alone as soon as b/);
  t.regex(explainHandover([end('destination', 'joined')])[0] ?? '', /nothing is heard of a lock on a/);
});
