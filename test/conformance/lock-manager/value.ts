import type { LockMode } from '../../../src/dlm/index.js';
import { eventually, outcomeOf } from '../conformance-case.js';
import {
  bytesOf, read, restart, take, textOf, type Case, type LockMember,
} from './fixture.js';

/** The lock value block: who reads, who writes, when it is valid, when it is forgotten. */
export const valueCases: readonly Case[] = [
  {
    title: 'a value that was never written reads as zeros, and valid',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      assert.equal(await read(one, fixture.freshName(), 'EX'), '(zeros) valid');
    },
  },
  {
    title: 'what a holder writes on its way down the next holder reads, on every node',
    needs: [],
    async run(fixture, assert) {
      const { members, resource } = await keepers(fixture);
      const [one, two] = members;
      const id = await take(one, resource, 'EX');
      await one.lockspace.convert(id, { mode: 'NL', wait: true, value: bytesOf('first') });
      assert.equal(await read(two, resource, 'EX'), 'first valid');
      for (const mode of ['CR', 'CW', 'PR', 'PW', 'EX'] as const) {
        assert.equal(await read(two, resource, mode), 'first valid', mode);
      }
      await one.lockspace.unlock(id);
    },
  },
  {
    title: 'each change of mode reads, writes or is refused, as the table of the kernel says',
    needs: [],
    async run(fixture, assert) {
      const { members, resource } = await keepers(fixture);
      const [one, two] = members;
      const id = await take(one, resource, 'NL');
      const convert = (mode: LockMode, text: string) => one.lockspace.convert(id, {
        mode, wait: true, value: text === 'read' ? text : bytesOf(text),
      });
      await convert('EX', 'read');
      await convert('EX', 'ex to ex');
      await convert('PW', 'ex to pw');
      await convert('PW', 'pw to pw');
      assert.equal(textOf((await convert('EX', 'read')).value), 'pw to pw valid');
      assert.equal(await outcomeOf(convert('PR', 'read')), 'BAD_REQUEST');
      await convert('PR', 'ex to pr');
      assert.equal(textOf((await convert('PR', 'read')).value), 'ex to pr valid');
      assert.equal(await outcomeOf(convert('CR', 'pr to cr')), 'BAD_REQUEST');
      assert.equal(await outcomeOf(convert('EX', 'pr to ex')), 'BAD_REQUEST');
      await one.lockspace.convert(id, { mode: 'CR', wait: true });
      assert.equal(textOf((await convert('CR', 'read')).value), 'ex to pr valid');
      assert.equal(textOf((await convert('PW', 'read')).value), 'ex to pr valid');
      await convert('NL', 'pw to nl');
      assert.equal(textOf((await convert('NL', 'read')).value), 'pw to nl valid');
      assert.equal(await read(two, resource, 'PR'), 'pw to nl valid');
      await one.lockspace.unlock(id);
    },
  },
  {
    title: 'an unlock writes the bytes that it is given, and only from PW or EX',
    needs: [],
    async run(fixture, assert) {
      const { members, resource } = await keepers(fixture);
      const [one, two] = members;
      for (const mode of ['PW', 'EX'] as const) {
        const id = await take(one, resource, mode);
        await one.lockspace.unlock(id, { value: bytesOf(`from ${mode}`) });
        assert.equal(await read(two, resource, 'PR'), `from ${mode} valid`);
      }
      const id = await take(one, resource, 'PR');
      const refused = one.lockspace.unlock(id, { value: bytesOf('from PR') });
      assert.equal(await outcomeOf(refused), 'BAD_REQUEST');
      await one.lockspace.unlock(id);
      assert.equal(await read(two, resource, 'PR'), 'from EX valid');
    },
  },
  {
    title: 'an invalidated value is told to every reader until someone writes again',
    needs: [],
    async run(fixture, assert) {
      const { members, resource } = await keepers(fixture);
      const [one, two] = members;
      await one.lockspace.unlock(await take(one, resource, 'EX'), { value: bytesOf('good') });
      await two.lockspace.unlock(await take(two, resource, 'EX'), { value: 'invalidate' });
      assert.equal(await read(one, resource, 'PR'), 'good invalid');
      assert.equal(await read(two, resource, 'EX'), 'good invalid');
      const id = await take(two, resource, 'PW');
      await two.lockspace.convert(id, { mode: 'CR', wait: true, value: 'invalidate' });
      await two.lockspace.unlock(id);
      assert.equal(await read(one, resource, 'PR'), 'good invalid');
      await one.lockspace.unlock(await take(one, resource, 'EX'), { value: bytesOf('new') });
      assert.equal(await read(two, resource, 'PR'), 'new valid');
    },
  },
  {
    title: 'to invalidate what was never written is not told: it reads as zeros, and valid',
    needs: [],
    async run(fixture, assert) {
      const { members, resource } = await keepers(fixture);
      const [one, two] = members;
      await one.lockspace.unlock(await take(one, resource, 'EX'), { value: 'invalidate' });
      assert.equal(await read(two, resource, 'EX'), '(zeros) valid');
    },
  },
  {
    title: 'a value is forgotten with the last lock on its resource',
    needs: [],
    async run(fixture, assert) {
      const one = await fixture.start(0);
      const resource = fixture.freshName();
      await one.lockspace.unlock(await take(one, resource, 'EX'), { value: bytesOf('gone') });
      assert.equal(await read(one, resource, 'EX'), '(zeros) valid');
    },
  },
  {
    title: 'a value outlives its writer with a lock that persists, and is in doubt with one that does not',
    needs: [],
    async run(fixture, assert) {
      const { members, resource } = await keepers(fixture);
      const [, two] = members;
      const writer = await fixture.start(0);
      const id = await take(writer, resource, 'EX');
      await writer.lockspace.convert(id, { mode: 'EX', wait: true, value: bytesOf('kept') });
      const next = await restart(fixture, writer, 0);
      await eventually('the orphan', () => next.lockspace.localLocks(), (locks) =>
        locks.some((lock) => lock.resource === resource && lock.orphan));
      assert.equal(await read(two, resource, 'NL'), 'kept valid');
      const adopted = await next.lockspace.adopt({ resource, mode: 'EX' });
      assert.equal(await read(next, resource, 'NL'), 'kept valid');
      await next.lockspace.unlock(adopted);
      const mortal = next.lockspace.take({ resource, mode: 'EX', wait: true, persistent: false });
      await mortal.granted;
      await next.lockspace.convert(mortal.id, {
        mode: 'EX', wait: true, value: bytesOf('kept too'),
      });
      await fixture.kill(next);
      assert.equal(await read(two, resource, 'PR', true), 'kept too invalid');
    },
  },
];

/** Two members, and a third with an NL lock, so that the resource and its value are kept. */
async function keepers(fixture: Parameters<Case['run']>[0]) {
  const members = [await fixture.start(0), await fixture.start(1)] as [LockMember, LockMember];
  const resource = fixture.freshName();
  const keeper = await fixture.start(2);
  const { granted } = keeper.lockspace.take({
    resource, mode: 'NL', wait: false, persistent: false,
  });
  await granted;
  return { members, resource };
}
