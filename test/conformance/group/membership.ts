import { eventually, outcomeOf, pause } from '../conformance-case.js';
import {
  departure, hears, historyOf, joinThree, marksOf, seesMembers, sendAll, textsOf, viewsOf,
  type GroupCase,
} from './fixture.js';

/** Long enough for a message or a view to arrive that must not. */
const QUIET_MS = 200;
const GROUPS = 40;

/** Joins, leaves, crashes and closes; no fault of a node. */
export const membershipCases: readonly GroupCase[] = [
  {
    title: 'the first thing a member is told is its own join, then the ring',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const first = await fixture.open(0);
      const second = await fixture.open(1);
      await first.group.join(name);
      await second.group.join(name);
      for (const [member, count] of [[first, 1], [second, 2]] as const) {
        const records = await eventually('view and ring', () => member.records(), (all) =>
          all.some(({ kind }) => kind === 'ring'));
        const [view] = records;
        if (view?.kind !== 'view') throw new Error('the first record is no view');
        const { pid, nodeId } = member.group.self;
        assert.deepEqual(view.view.joined, [{ nodeId, pid, reason: 'join' }]);
        assert.deepEqual(view.view.left, []);
        assert.equal(view.view.members.length, count);
      }
      await seesMembers(first, 2);
    },
  },
  {
    title: 'a member that leaves is seen to leave, after everything that it has sent',
    needs: [],
    async run(fixture, assert) {
      const [one, two, three] = await joinThree(fixture);
      const sent = Array.from({ length: 10 }, (_, index) =>
        one.group.multicast(Buffer.from(String(index))));
      await Promise.all(sent);
      await one.group.leave();
      const { nodeId, pid } = one.group.self;
      for (const witness of [two, three]) {
        const { view, before, after } = await departure(witness, one.group.self);
        assert.deepEqual(view.left, [{ nodeId, pid, reason: 'leave' }]);
        assert.equal(view.members.length, 2);
        assert.equal(textsOf(before).length, 10);
        assert.deepEqual(textsOf(after), []);
      }
      assert.equal(await outcomeOf(one.group.multicast(Buffer.from('late'))), 'NOT_JOINED');
    },
  },
  {
    title: 'a member that is killed is seen as procdown, after everything that it had ordered',
    needs: [],
    async run(fixture, assert) {
      const [one, two, three] = await joinThree(fixture);
      await one.group.multicast(Buffer.from('last words'));
      const { nodeId, pid } = one.group.self;
      await fixture.kill(one);
      for (const witness of [two, three]) {
        const { view, before } = await departure(witness, { nodeId, pid });
        assert.deepEqual(view.left, [{ nodeId, pid, reason: 'procdown' }]);
        assert.equal(textsOf(before).length, 1);
      }
    },
  },
  {
    title: 'closing without a leave is seen as procdown',
    needs: [],
    async run(fixture, assert) {
      const [one, two] = await joinThree(fixture);
      await one.group.close();
      const { view } = await departure(two, one.group.self);
      assert.equal(view.left[0]?.reason, 'procdown');
      assert.equal(await outcomeOf(one.group.multicast(Buffer.from('late'))), 'CLOSED');
    },
  },
  {
    title: 'before a join nothing can be sent or left',
    needs: [],
    async run(fixture, assert) {
      const { group } = await fixture.open(0);
      assert.equal(await outcomeOf(group.multicast(Buffer.from('x'))), 'NOT_JOINED');
      assert.equal(await outcomeOf(group.leave()), 'NOT_JOINED');
    },
  },
  {
    title: 'a second join is refused, and the first stands',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const { group } = await fixture.open(0);
      await group.join(name);
      assert.equal(await outcomeOf(group.join(name)), 'EXIST');
      assert.equal(await outcomeOf(group.multicast(Buffer.from('still in'))), 'ok');
    },
  },
  {
    title: 'a member that joins late is told only what was sent after its join',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [one, late] = [await fixture.open(0), await fixture.open(1)];
      await one.group.join(name);
      await sendAll(one, ['early', 'earlier']);
      const joining = late.group.join(name);
      const meanwhile = sendAll(one, Array.from({ length: 50 }, (_, index) => `during ${index}`));
      await Promise.all([joining, meanwhile]);
      await sendAll(one, ['after']);
      const heard = textsOf(await hears(late, 'after')).map((line) => line.replace(/^\S+ /, ''));
      assert.ok(!heard.includes('early') && !heard.includes('earlier'));
      // What was sent around the join is told from one point on, without a gap.
      const sender = historyOf(await one.records());
      const joined = sender.findIndex((line) => line.endsWith('joined [2 join]'));
      const expected = sender.slice(joined + 1).map((line) => line.replace(/^\S+ /, ''));
      assert.deepEqual(heard, expected);
    },
  },
  {
    title: 'after a leave nothing of the group is heard, and the same connection joins no more',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [one, two] = [await fixture.open(0), await fixture.open(1)];
      await one.group.join(name);
      await two.group.join(name);
      await seesMembers(one, 2);
      await two.group.leave();
      const before = historyOf(await two.records());
      assert.equal(before.at(-1), 'view [1] left [2 leave] joined []');
      await sendAll(one, ['into the void']);
      assert.equal(await outcomeOf(two.group.join(name)), 'EXIST');
      assert.equal(await outcomeOf(two.group.join(fixture.freshName())), 'EXIST');
      assert.equal(await outcomeOf(two.group.leave()), 'NOT_JOINED');
      await pause(QUIET_MS);
      assert.deepEqual(historyOf(await two.records()), before);
    },
  },
  {
    title: 'a process that has left joins again by another connection, once the first is closed',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [one, two] = [await fixture.open(0), await fixture.open(1)];
      await one.group.join(name);
      await two.group.join(name);
      await two.group.leave();
      const again = await fixture.openBeside(two);
      assert.equal(await outcomeOf(again.group.join(name)), 'EXIST');
      await two.group.close();
      await again.group.join(name);
      await again.group.multicast(Buffer.from('back'));
      await hears(one, 'back');
      assert.deepEqual(historyOf(await one.records()).filter((line) => line.startsWith('view')), [
        'view [1] left [] joined [1 join]', 'view [1 2] left [] joined [2 join]',
        'view [1] left [2 leave] joined []', 'view [1 2] left [] joined [2 join]',
      ]);
    },
  },
  {
    title: 'a process is in a group once, whichever of its connections asks, and in others beside it',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const one = await fixture.open(0);
      await one.group.join(name);
      const beside = await fixture.openBeside(one);
      assert.equal(await outcomeOf(beside.group.join(name)), 'EXIST');
      await beside.group.join(fixture.freshName());
      await sendAll(one, ['in the first']);
      await sendAll(beside, ['in the second']);
      const { nodeId, pid } = one.group.self;
      assert.deepEqual(beside.group.self, { nodeId, pid });
      assert.deepEqual(textsOf(await one.records()), [`${nodeId}/${pid} in the first`]);
      assert.deepEqual(textsOf(await beside.records()), [`${nodeId}/${pid} in the second`]);
    },
  },
  {
    title: 'two processes of one node are two members',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [one, other, witness] =
        [await fixture.open(0), await fixture.open(0), await fixture.open(1)];
      for (const member of [one, other, witness]) await member.group.join(name);
      await seesMembers(witness, 3);
      await sendAll(one, ['a']);
      await sendAll(other, ['b']);
      await fixture.kill(one);
      const { view, before } = await departure(witness, one.group.self);
      assert.equal(view.left.length, 1);
      assert.equal(view.members.length, 2);
      assert.equal(textsOf(before).length, 2);
      await sendAll(other, ['still here']);
      await hears(witness, 'still here');
    },
  },
  {
    title: 'one process can be in many groups, and each hears only its own',
    needs: [],
    async run(fixture, assert) {
      const [one, two] = [await fixture.open(0), await fixture.open(1)];
      const pairs = [];
      for (let index = 0; index < GROUPS; index += 1) {
        const name = fixture.freshName();
        const here = index === 0 ? one : await fixture.openBeside(one);
        const there = index === 0 ? two : await fixture.openBeside(two);
        await here.group.join(name);
        await there.group.join(name);
        pairs.push({ here, there });
      }
      await Promise.all(pairs.map(({ here }, index) => sendAll(here, [`group ${index}`])));
      for (const [index, { there }] of pairs.entries()) {
        const records = await hears(there, `group ${index}`);
        assert.equal(textsOf(records).length, 1);
        assert.equal(viewsOf(records).at(-1)?.members.length, 2);
      }
      await fixture.kill(one);
      for (const { there } of pairs) {
        await eventually('the crash', () => there.records(), (all) =>
          viewsOf(all).at(-1)?.left[0]?.reason === 'procdown');
      }
    },
  },
  {
    title: 'members that join at once are told of each join in the same order',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const members = await Promise.all([0, 1, 2, 0, 1, 2].map((node) => fixture.open(node)));
      await Promise.all(members.map(({ group }) => group.join(name)));
      for (const member of members) await seesMembers(member, 6);
      const joins = await Promise.all(members.map(async (member) =>
        viewsOf(await member.records()).map(({ joined }) =>
          joined.map(({ nodeId, pid, reason }) => `${nodeId}/${pid} ${reason}`).join())));
      const longest = [...joins].sort((a, b) => b.length - a.length)[0] ?? [];
      assert.equal(longest.length, 6);
      for (const seen of joins) assert.deepEqual(seen, longest.slice(6 - seen.length));
    },
  },
  {
    title: 'a join that was closed over is refused as CLOSED, and the group is as if it never was',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [one, hasty] = [await fixture.open(0), await fixture.open(1)];
      await one.group.join(name);
      const [mark = 0] = await marksOf([one]);
      const joining = outcomeOf(hasty.group.join(name));
      await hasty.group.close();
      await hasty.group.close();
      assert.equal(await joining, 'CLOSED');
      await sendAll(one, ['mark']);
      await hears(one, 'mark');
      await eventually('nobody else', () => one.records(), (all) =>
        viewsOf(all).at(-1)?.members.length === 1);
      // Either the join was never ordered, or it came and went by procdown.
      const views = historyOf(await one.records()).slice(mark).filter((line) => line.startsWith('view'));
      assert.ok(views.length === 0 || views.at(-1) === 'view [1] left [2 procdown] joined []');
      assert.equal(await outcomeOf(hasty.group.join(name)), 'CLOSED');
      assert.equal(await outcomeOf(hasty.group.leave()), 'CLOSED');
    },
  },
];
