import type { LockFlag, LockMode } from '../../../src/dlm/index.js';
import { codeOf, outcomeOf } from '../conformance-case.js';
import {
  isCompatible, MODES, take, type Case, type LockMember,
} from './fixture.js';

/** Which modes are granted beside which, in takes and converts. */
export const modesCases: readonly Case[] = [
  {
    title: 'every pair of modes is granted on two nodes at once, or refused, as the matrix says',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      for (const held of MODES) {
        const id = await take(one, resource, held);
        for (const asked of MODES) {
          const request = two.lockspace.take({ resource, mode: asked, wait: false });
          const expected = isCompatible(held, asked) ? 'ok' : 'WOULD_BLOCK';
          assert.equal(await outcomeOf(request.granted), expected, `${asked} beside ${held}`);
          if (expected === 'ok') await two.lockspace.unlock(request.id);
        }
        await one.lockspace.unlock(id);
      }
    },
  },
  {
    title: 'a convert is granted, or refused with the old mode kept, as the matrix says',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const resource = fixture.freshName();
      for (const other of MODES) {
        const otherId = await take(two, resource, other);
        for (const from of MODES.filter((mode) => isCompatible(other, mode))) {
          for (const to of MODES) {
            const id = await take(one, resource, from);
            const converted = one.lockspace.convert(id, { mode: to, wait: false });
            const expected = isCompatible(other, to) ? 'ok' : 'WOULD_BLOCK';
            const what = `${from} to ${to} beside ${other}`;
            assert.equal(await outcomeOf(converted), expected, what);
            const locks = await one.lockspace.localLocks();
            const mine = locks.find((lock) => lock.resource === resource);
            assert.equal(mine?.granted, expected === 'ok' ? to : from, what);
            await one.lockspace.unlock(id);
          }
        }
        await two.lockspace.unlock(otherId);
      }
    },
  },
  {
    title: 'beside two holders a mode is granted only if it fits both',
    needs: [],
    async run(fixture, assert) {
      const members = [await fixture.start(0), await fixture.start(1), await fixture.start(2)];
      const [one, two, three] = members as [LockMember, LockMember, LockMember];
      const resource = fixture.freshName();
      for (const [first, second] of compatiblePairs()) {
        const firstId = await take(one, resource, first);
        const secondId = await take(two, resource, second);
        for (const asked of MODES) {
          const request = three.lockspace.take({ resource, mode: asked, wait: false });
          const fits = isCompatible(first, asked) && isCompatible(second, asked);
          const what = `${asked} beside ${first} and ${second}`;
          assert.equal(await outcomeOf(request.granted), fits ? 'ok' : 'WOULD_BLOCK', what);
          if (fits) await three.lockspace.unlock(request.id);
        }
        await one.lockspace.unlock(firstId);
        await two.lockspace.unlock(secondId);
      }
    },
  },
  {
    title: 'where the asked mode does not fit, the alternative is granted and named',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const two = await fixture.start(1);
      const cases: readonly (readonly [LockMode, LockMode, LockFlag, string])[] = [
        ['PR', 'EX', 'ALTPR', 'PR'], ['PR', 'CW', 'ALTPR', 'PR'], ['CW', 'PR', 'ALTCW', 'CW'],
        ['CW', 'EX', 'ALTCW', 'CW'], ['CW', 'EX', 'ALTPR', 'WOULD_BLOCK'],
        ['CR', 'PR', 'ALTCW', 'PR'], ['EX', 'PR', 'ALTCW', 'WOULD_BLOCK'],
      ];
      for (const [held, mode, flag, expected] of cases) {
        for (const persistent of [true, false]) {
          const resource = fixture.freshName();
          const id = await take(one, resource, held);
          const request = two.lockspace.take({
            resource, mode, wait: false, persistent, flags: [flag],
          });
          const outcome = await request.granted.then((grant) => grant.mode, codeOf);
          assert.equal(outcome, expected, `${mode} with ${flag} beside ${held}`);
          if (expected !== 'WOULD_BLOCK') await two.lockspace.unlock(request.id);
          await one.lockspace.unlock(id);
        }
      }
    },
  },
];

/** Every pair of modes that can be held at once, each once. */
function compatiblePairs(): (readonly [LockMode, LockMode])[] {
  return MODES.flatMap((first, index) => MODES.slice(index)
    .filter((second) => isCompatible(first, second))
    .map((second) => [first, second] as const));
}
