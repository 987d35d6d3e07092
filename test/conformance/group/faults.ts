import { eventually, outcomeOf, outcomeWithin, pause } from '../conformance-case.js';
import {
  departure, hears, historyOf, joinThree, linesOf, marksOf, seesMembers, sendAll, textsOf,
  untilLine, type GroupCase, type GroupMember,
} from './fixture.js';

/** Pauses, in parts of the silence after which a node counts as gone. */
const SHORT_PAUSE = 0.15;
const LONG_PAUSE = 1.6;
/** After a ring: what would still come of the same change. */
const QUIET_MS = 300;

/** What each of them was told since the marks, once all have told the line. */
async function since(
  members: readonly GroupMember[], marks: readonly number[], line: string,
): Promise<readonly (readonly string[])[]> {
  for (const [index, member] of members.entries()) await untilLine(member, line, marks[index]);
  await pause(QUIET_MS);
  return Promise.all(members.map(async (member, index) =>
    historyOf(await member.records()).slice(marks[index])));
}

/** Any two agree on the order of what both were told, and nobody was told anything twice. */
async function agreement(members: readonly GroupMember[]): Promise<string> {
  const seen = await Promise.all(members.map(async (member) => textsOf(await member.records())));
  for (const [index, own] of seen.entries()) {
    if (new Set(own).size !== own.length) return `member ${index} was told something twice`;
    for (const [at, other] of seen.slice(0, index).entries()) {
      const common = new Set(own.filter((text) => other.includes(text)));
      const both = [own, other].map((list) => list.filter((text) => common.has(text)).join());
      if (both[0] !== both[1]) return `members ${at} and ${index} disagree`;
    }
  }
  return 'agree';
}

/** Each of the others was away from node 3 and is back; the first and the last view say so. */
function isGoneAndBack(history: readonly string[], self: number): boolean {
  const views = history.filter((line) => line.startsWith('view'));
  const last = views.at(-1) ?? '';
  // While rings merge, those who stayed may for a moment lose each other too.
  const [gone, back] = self === 3
    ? ['view [3] left [1 nodedown, 2 nodedown] joined []', /^view \[1 2 3\] left \[\] joined \[1 nodeup, 2 nodeup\]$/]
    : ['view [1 2] left [3 nodedown] joined []', /^view \[1 2 3\] left \[\] joined \[([12] nodeup, )?3 nodeup\]$/];
  return views[0] === gone && back.test(last)
    && history.lastIndexOf('ring [1 2 3]') > history.lastIndexOf(last);
}

/** The history without that detour of a merge: a member that is lost and back in the next view. */
function withoutDetours(history: readonly string[]): readonly string[] {
  return history.filter((line, index) => {
    const lost = /^view \[\d\] left \[(\d) nodedown\] joined \[\]$/;
    const isBack = (after: string | undefined, node: string | undefined): boolean =>
      node !== undefined && after === `view [1 2] left [] joined [${node} nodeup]`;
    const isLoss = isBack(history[index + 1], lost.exec(line)?.[1]);
    const isReturn = isBack(line, lost.exec(history[index - 1] ?? '')?.[1]);
    return !isLoss && !isReturn;
  });
}

/** Faults of nodes and of what lies between them. */
export const faultCases: readonly GroupCase[] = [
  {
    title: 'a node without power is seen as nodedown by the others, then comes their new ring',
    needs: ['power'],
    async run(fixture, assert) {
      const [one, two, three] = await joinThree(fixture);
      const { nodeId, pid } = three.group.self;
      await fixture.powerOff(2);
      for (const witness of [one, two]) {
        const { view } = await departure(witness, { nodeId, pid });
        assert.deepEqual(view.left, [{ nodeId, pid, reason: 'nodedown' }]);
        await eventually('the ring after it', () => departure(witness, { nodeId, pid }),
          ({ after }) => after.some((record) =>
            record.kind === 'ring' && !record.nodeIds.includes(nodeId)));
      }
    },
  },
  {
    title: 'corosync killed: its clients are lost, the others see nodedown, then their ring',
    needs: ['faults'],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const [one, two, three] = members;
      const marks = await marksOf(members);
      await fixture.crash(2);
      await untilLine(three, 'lost LOST');
      assert.equal(await outcomeOf(three.group.multicast(Buffer.from('x'))), 'LOST');
      assert.equal(await outcomeOf(three.group.leave()), 'LOST');
      const expected = ['view [1 2] left [3 nodedown] joined []', 'ring [1 2]'];
      assert.deepEqual(await since([one, two], marks, 'ring [1 2]'), [expected, expected]);
      assert.deepEqual(historyOf(await three.records()).slice(marks[2]), ['lost LOST']);
      await fixture.start(2);
      // A node without a member makes a ring and no view.
      const after = (await since([one, two], marks, 'ring [1 2 3]')).map(withoutDetours);
      assert.deepEqual(after, [[...expected, 'ring [1 2 3]'], [...expected, 'ring [1 2 3]']]);
    },
  },
  {
    title: 'corosync ended in order: its members are procdown at once, then a ring without the node',
    needs: ['faults'],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const [one, two, three] = members;
      const marks = await marksOf(members);
      await fixture.stop(2);
      await untilLine(three, 'lost LOST');
      const expected = ['view [1 2] left [3 procdown] joined []', 'ring [1 2]'];
      assert.deepEqual(await since([one, two], marks, 'ring [1 2]'), [expected, expected]);
      assert.deepEqual(historyOf(await three.records()).slice(marks[2]), ['lost LOST']);
    },
  },
  {
    title: 'corosync killed and back before it was missed: nodedown all the same, and one ring',
    needs: ['faults'],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const [one, two, three] = members;
      const marks = await marksOf(members);
      await fixture.crash(2);
      await fixture.start(2);
      await untilLine(three, 'lost LOST');
      const seen = await since([one, two], marks, 'ring [1 2 3]');
      for (const history of seen) {
        assert.equal(history[0], 'view [1 2] left [3 nodedown] joined []');
        assert.equal(history.filter((line) => line.startsWith('view')).length, 1);
        assert.equal(history.at(-1), 'ring [1 2 3]');
      }
    },
  },
  {
    title: 'a pause shorter than the token changes nothing, and what was sent meanwhile arrives',
    needs: ['faults'],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const [one, , three] = members;
      const marks = await marksOf(members);
      await fixture.pause(2);
      const sent = [three.group.multicast(Buffer.from('paused')), one.group.multicast(Buffer.from('awake'))];
      await pause(fixture.silenceMs * SHORT_PAUSE);
      await fixture.resume(2);
      await Promise.all(sent);
      for (const member of members) {
        await hears(member, 'paused');
        await hears(member, 'awake');
      }
      await pause(fixture.silenceMs);
      const seen = await Promise.all(members.map(async (member, index) =>
        historyOf(await member.records()).slice(marks[index])));
      assert.equal(seen[0]?.length, 2);
      assert.deepEqual(seen[1], seen[0]);
      assert.deepEqual(seen[2], seen[0]);
    },
  },
  {
    title: 'a pause longer than the token is nodedown, then nodeup, on both sides, views before rings',
    needs: ['faults'],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const [one, two] = members;
      const marks = await marksOf(members);
      await fixture.pause(2);
      for (const member of [one, two]) await untilLine(member, 'ring [1 2]');
      await pause(fixture.silenceMs * (LONG_PAUSE - 1));
      await fixture.resume(2);
      const seen = await since(members, marks, 'ring [1 2 3]');
      for (const [index, history] of seen.entries()) {
        assert.ok(isGoneAndBack(history, index + 1), history.join('\n'));
      }
    },
  },
  {
    title: 'what a paused node had sent is told once: to itself before it is back, or to all after that',
    needs: ['faults'],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const [one, , three] = members;
      const marks = await marksOf(members);
      await fixture.pause(2);
      const texts = Array.from({ length: 5 }, (_, index) => `from before ${index}`);
      const sent = texts.map((text) => outcomeOf(three.group.multicast(Buffer.from(text))));
      await untilLine(one, 'ring [1 2]');
      await sendAll(one, ['while away']);
      await fixture.resume(2);
      assert.deepEqual(await Promise.all(sent), ['ok', 'ok', 'ok', 'ok', 'ok']);
      // All of them: what one sends while another still forms the ring may be lost there.
      for (const [index, member] of members.entries()) {
        await untilLine(member, 'ring [1 2 3]', marks[index]);
      }
      await sendAll(one, ['after']);
      for (const member of members) await hears(member, 'after');
      const own = historyOf(await three.records());
      const other = historyOf(await one.records());
      assert.ok(!own.some((line) => line.endsWith('while away')));
      const gone = own.findIndex((line) => line.includes('left [1 nodedown, 2 nodedown]'));
      const back = own.findLastIndex((line) => line.endsWith('2 nodeup]'));
      const merged = other.findIndex((line) => line.endsWith('3 nodeup]'));
      const both = `\nnode 3:\n${own.join('\n')}\nnode 1:\n${other.join('\n')}`;
      for (const text of texts) {
        const here = own.findIndex((line) => line.endsWith(text));
        const there = other.findIndex((line) => line.endsWith(text));
        assert.ok(here >= 0, `${text} never came back${both}`);
        // Also in the merged ring the others drop it until they know the node's members again.
        const isRight = there < 0 ? here < back : here > gone && there > merged;
        assert.ok(isRight, `${text} is out of place${both}`);
      }
      assert.equal(await agreement(members), 'agree');
    },
  },
  {
    title: 'a node cut off: both sides go on alone, hear only their own, and both see nodeup at the end',
    needs: ['faults'],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const [one, two, three] = members;
      const marks = await marksOf(members);
      await fixture.cut(2);
      // At once, and again when the sides know that they are alone.
      await Promise.all([sendAll(one, ['at the cut 1']), sendAll(three, ['at the cut 3'])]);
      for (const [member, line] of [[one, 'ring [1 2]'], [two, 'ring [1 2]'], [three, 'ring [3]']] as const) {
        await untilLine(member, line);
      }
      await Promise.all([sendAll(two, ['apart 2']), sendAll(three, ['apart 3'])]);
      await hears(one, 'apart 2');
      await fixture.heal();
      const seen = await since(members, marks, 'ring [1 2 3]');
      for (const [index, history] of seen.entries()) {
        assert.ok(isGoneAndBack(history, index + 1), history.join('\n'));
      }
      await sendAll(three, ['together']);
      for (const member of members) await hears(member, 'together');
      const heard = await Promise.all(members.map(async (member) =>
        textsOf(await member.records()).map((text) => text.replace(/^\S+ /, ''))));
      assert.deepEqual(heard[0], ['at the cut 1', 'apart 2', 'together']);
      assert.deepEqual(heard[1], heard[0]);
      assert.deepEqual(heard[2], ['at the cut 3', 'apart 3', 'together']);
    },
  },
  {
    title: 'three nodes each cut off merge into one view with the two others as nodeup',
    needs: ['faults'],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const marks = await marksOf(members);
      await fixture.cut(1);
      await fixture.cut(2);
      for (const [index, member] of members.entries()) await untilLine(member, `ring [${index + 1}]`);
      await fixture.heal();
      const seen = await since(members, marks, 'ring [1 2 3]');
      for (const history of seen) {
        const views = history.filter((line) => line.startsWith('view'));
        assert.ok(/^view \[1 2 3\] left \[\] joined \[.*nodeup\]$/.test(views.at(-1) ?? ''));
        assert.ok(!history.some((line) => / (join|leave|procdown)[,\]]/.test(line)));
      }
      await sendAll(members[0], ['one again']);
      for (const member of members) await hears(member, 'one again');
    },
  },
  {
    title: 'a member that joins while its node is cut off is nodeup, not join, to the others',
    needs: ['faults'],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const [one, two] = [await fixture.open(0), await fixture.open(1)];
      await one.group.join(name);
      await two.group.join(name);
      await seesMembers(one, 2);
      await fixture.cut(2);
      await untilLine(one, 'ring [1 2]');
      const late = await fixture.open(2);
      await late.group.join(name);
      await untilLine(late, 'ring [3]');
      await fixture.heal();
      await untilLine(late, 'ring [1 2 3]');
      await seesMembers(one, 3);
      const line = linesOf(await one.records()).find((text) => text.startsWith('view [1 2 3]'));
      assert.equal(line, 'view [1 2 3] left [] joined [3 nodeup]');
      assert.deepEqual(linesOf(await late.records()), [
        'view [3] left [] joined [3 join]', 'view [1 2 3] left [] joined [1 nodeup, 2 nodeup]',
      ]);
    },
  },
  {
    title: 'a member that dies while its node is cut off is not seen again',
    needs: ['faults'],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const [one, two, three] = members;
      const marks = await marksOf(members);
      await fixture.cut(2);
      await untilLine(one, 'ring [1 2]');
      await fixture.kill(three);
      await fixture.heal();
      const expected = ['view [1 2] left [3 nodedown] joined []', 'ring [1 2]', 'ring [1 2 3]'];
      const seen = (await since([one, two], marks, 'ring [1 2 3]')).map(withoutDetours);
      assert.deepEqual(seen, [expected, expected]);
    },
  },
  {
    title: 'a member that dies while its corosync is paused is gone in the end, nodeup before or not',
    needs: ['faults'],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const [one, two, three] = members;
      const marks = await marksOf(members);
      await fixture.pause(2);
      await untilLine(one, 'ring [1 2]');
      await fixture.kill(three);
      await fixture.resume(2);
      const seen = await since([one, two], marks, 'ring [1 2 3]');
      for (const history of seen) {
        const views = history.filter((line) => line.startsWith('view'));
        const gone = 'view [1 2] left [3 nodedown] joined []';
        // Its corosync may learn of its death before it tells the others of it, or after.
        const back = ['view [1 2 3] left [] joined [3 nodeup]', 'view [1 2] left [3 procdown] joined []'];
        assert.deepEqual(views, views.length === 1 ? [gone] : [gone, ...back]);
      }
    },
  },
  {
    title: 'what went on in the group after a leave is not heard, rings and faults neither',
    needs: ['faults'],
    async run(fixture, assert) {
      const [one, two, three] = await joinThree(fixture);
      await three.group.leave();
      const before = historyOf(await three.records());
      await fixture.cut(1);
      await untilLine(one, 'view [1] left [2 nodedown] joined []');
      await fixture.heal();
      await untilLine(two, 'view [1 2] left [] joined [1 nodeup]');
      await pause(QUIET_MS);
      assert.deepEqual(historyOf(await three.records()), before);
    },
  },
  {
    title: 'a join during a partition of others is answered, and every ring is numbered above the last',
    needs: ['faults'],
    async run(fixture, assert) {
      const members = await joinThree(fixture);
      const [one] = members;
      await fixture.cut(1);
      const beside = await fixture.openBeside(one);
      const joining = beside.group.join(fixture.freshName());
      assert.equal(await outcomeWithin(joining, fixture.silenceMs * 4 + 5_000), 'ok');
      await untilLine(one, 'ring [1 3]');
      await fixture.heal();
      for (const member of members) {
        await untilLine(member, 'ring [1 2 3]', 1);
        const rings = (await member.records()).flatMap((record) =>
          record.kind === 'ring' ? [record.ring.seq] : []);
        const ascending = rings.every((seq, at) => at === 0 || seq > (rings[at - 1] ?? 0n));
        assert.ok(ascending, rings.join());
      }
    },
  },
];
