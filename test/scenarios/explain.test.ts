import { scenario } from './support/scenario.js';
import type { World } from './support/world.js';

async function explain(world: World, id: number, resource = 'vm-alpha') {
  const found = await world.finish(world.at(id).explain(resource));
  return { verdict: found.verdict, text: found.sentences.join(' ') };
}

scenario('a resource that nobody holds is free', async (t, world) => {
  t.deepEqual(await explain(world, 1), {
    verdict: 'free', text: "Nobody holds 'vm-alpha': an acquire would be granted.",
  });
});

scenario('a living owner is named with its node and what ends its lock', async (t, world) => {
  await world.acquire(1, 'vm-alpha', { owner: 'qemu-17' });
  await world.untilSeen('vm-alpha', ['n1 EX held qemu-17']);
  const { verdict, text } = await explain(world, 3);
  t.is(verdict, 'held');
  t.regex(text, /^qemu-17 holds it in EX on n1 since \S+\./);
  t.regex(text, /It is kept until it is released on n1\./);
});

scenario('those who wait are told, by the master in the order of service', async (t, world) => {
  await world.acquire(1, 'vm-alpha');
  await world.untilSeen('vm-alpha', ['n1 EX held n1']);
  const second = world.ask(2, 'vm-alpha', { waitMs: null });
  await world.untilSeen('vm-alpha', ['n1 EX held n1', 'n2 EX waiting n2']);
  const third = world.ask(3, 'vm-alpha', { waitMs: null });
  const lines = ['n1 EX held n1', 'n2 EX waiting n2', 'n3 EX waiting n3'];
  await world.untilSeen('vm-alpha', lines);
  const told = await Promise.all([1, 2, 3].map((id) => explain(world, id)));
  t.true(told.some(({ text }) => /in the order of service: n2 \(EX\), n3 \(EX\)/.test(text)));
  for (const { verdict } of told) t.is(verdict, 'held');
  t.is(second.outcome, 'open');
  t.is(third.outcome, 'open');
});

scenario('a holder whose daemon has gone still holds it', async (t, world) => {
  await world.acquire(1, 'vm-alpha');
  await world.untilSeen('vm-alpha', ['n1 EX held n1']);
  world.node(1).crash();
  await world.until('n1 daemon-down', () => world.view(2, 1)?.state === 'daemon-down');
  const { verdict, text } = await explain(world, 2);
  t.is(verdict, 'daemon-down');
  t.regex(text, /The daemon there is gone, but the kernel keeps the lock: start the daemon/);
});

scenario('a holder whose node is down waits for fencing, and then is free', async (t, world) => {
  await world.acquire(1, 'vm-alpha');
  await world.untilSeen('vm-alpha', ['n1 EX held n1']);
  world.powerOff(1);
  await world.until('n1 node-down', () => world.view(2, 1)?.state === 'node-down');
  const down = await explain(world, 2);
  t.regex(down.text, /n1 left the cluster, and whether it is dead is not proven/);
  await world.until('n1 recovered', () => world.view(2, 1)?.state === 'recovered');
  await world.until('n2 ok', () => world.at(2).status().standing.kind === 'ok');
  t.is((await explain(world, 2)).verdict, 'free');
});

scenario('without quorum that is the first thing said', async (t, world) => {
  await world.acquire(2, 'vm-alpha');
  world.cluster.cut([1]);
  await world.until('n1 without quorum', () => world.at(1).status().standing.kind === 'no-quorum');
  const { verdict, text } = await explain(world, 1);
  t.is(verdict, 'no-quorum');
  t.regex(text, /^This node has no quorum/);
});

scenario('a lock of another program is not called free', async (t, world) => {
  const foreign = world.cluster.node(2).startProcess();
  const lockspace = await world.finish(foreign.lockManager().openLockspace('holdfast'));
  const take = lockspace.take({ resource: 'vm-alpha', mode: 'EX', wait: false });
  await world.finish(take.granted);
  const told = await Promise.all([1, 2, 3].map((id) => explain(world, id)));
  const [seen] = told.filter(({ verdict }) => verdict === 'unexplained');
  t.regex(seen?.text ?? '', /The kernel has it granted in EX to n2, and no manifest says for whom/);
  await world.finish(lockspace.close());
});
