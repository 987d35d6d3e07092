import test from 'ava';
import fc from 'fast-check';
import { Fifo } from '../../src/cpg/fifo.js';
import { chooseSeed } from '../support/property-seed.js';

test('it behaves as an array under any order of pushes and shifts', (t) => {
  const steps = fc.array(fc.boolean(), { maxLength: 400 });
  fc.assert(fc.property(steps, (pushes) => {
    const fifo = new Fifo<number>();
    const model: number[] = [];
    for (const [index, push] of pushes.entries()) {
      if (push) {
        fifo.push(index);
        model.push(index);
      } else if (fifo.shift() !== model.shift()) {
        return false;
      }
      if (fifo.length !== model.length || fifo.at(0) !== model[0]) return false;
      if (fifo.at(model.length - 1) !== model.at(-1) && model.length > 0) return false;
    }
    return JSON.stringify(fifo.drain()) === JSON.stringify(model) && fifo.length === 0;
  }), { seed: chooseSeed(t) });
  t.pass();
});

test('beyond the last item there is nothing', (t) => {
  const fifo = new Fifo<string>();
  t.is(fifo.shift(), undefined);
  fifo.push('a');
  t.is(fifo.at(1), undefined);
});
