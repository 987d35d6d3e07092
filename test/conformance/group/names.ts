import { outcomeOf } from '../conformance-case.js';
import { seesMembers, viewsOf, type GroupCase } from './fixture.js';

/** A group's name: its bytes and its length. */
export const nameCases: readonly GroupCase[] = [
  {
    title: 'a group name that is empty or longer than 128 bytes is refused',
    needs: [],
    async run(fixture, assert) {
      const { group } = await fixture.open(0);
      assert.equal(await outcomeOf(group.join('')), 'INVALID_PARAM');
      assert.equal(await outcomeOf(group.join('ä'.repeat(65))), 'NAME_TOO_LONG');
    },
  },
  {
    title: 'a trailing NUL makes another name, and 128 bytes of any text are one',
    needs: [],
    async run(fixture, assert) {
      const name = fixture.freshName();
      const filled = `${name}-\u00e4${'x'.repeat(125 - Buffer.byteLength(name))}`;
      assert.equal(Buffer.byteLength(filled), 128);
      const [one, two] = [await fixture.open(0), await fixture.open(1)];
      await one.group.join(name);
      await two.group.join(`${name}\0`);
      const { nodeId, pid } = two.group.self;
      await two.group.multicast(Buffer.from('alone'));
      const views = viewsOf(await two.records());
      assert.deepEqual(views.map(({ members }) => members), [[{ nodeId, pid }]]);
      const [three, four] = [await fixture.openBeside(one), await fixture.openBeside(two)];
      await three.group.join(filled);
      await four.group.join(filled);
      await seesMembers(three, 2);
      const zero = await fixture.openBeside(one);
      await zero.group.join(`${name}\0`);
      await seesMembers(two, 2);
    },
  },
  {
    title: 'a group name that is no well-formed text is refused, not bent into another',
    needs: [],
    async run(fixture, assert) {
      const { group } = await fixture.open(0);
      assert.equal(await outcomeOf(group.join('half a pair: \ud800')), 'INVALID_PARAM');
      await group.join(fixture.freshName());
    },
  },
];
