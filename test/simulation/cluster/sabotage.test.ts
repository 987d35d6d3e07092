import test from 'ava';
import type { Lockspace, LockManager } from '../../../src/dlm/index.js';
import { replaced } from './daemon.js';
import { randomClusterScript } from './random-script.js';
import { runCluster } from './run.js';
import { STEPS } from './seeds.js';
import type { Sabotage } from './world.js';

/** Enough for each of them to be met; most are met by the first few. */
const SEEDS_MAX = 60;
const TIMEOUT_MS = 300_000;

/** The lockspace that the daemons open, changed. */
function withLockspace(change: (lockspace: Lockspace) => Lockspace): Sabotage {
  return (_host, lockManager) => replaced(lockManager, 'openLockspace', async (...args) => {
    const [name, request] = args as Parameters<LockManager['openLockspace']>;
    return change(await lockManager.openLockspace(name, request));
  });
}

const SABOTAGES: readonly { what: string; sabotage: Sabotage; caughtBy: RegExp }[] = [
  {
    what: 'a lock manager that says granted to two',
    sabotage: withLockspace((lockspace) => replaced(lockspace, 'take', (...args) => {
      const [request] = args as Parameters<Lockspace['take']>;
      const { id, granted } = lockspace.take(request);
      const lie = { mode: request.mode, value: null, demoted: false };
      return { id, granted: granted.catch(() => lie) };
    })),
    caughtBy: /^(1 kept|3 exclusion)/,
  },
  {
    what: 'an adoption that lets go of the lock',
    sabotage: withLockspace((lockspace) => replaced(lockspace, 'adopt', async (...args) => {
      const id = await lockspace.adopt(...(args as Parameters<Lockspace['adopt']>));
      await lockspace.unlock(id);
      return id;
    })),
    caughtBy: /^1 kept/,
  },
  {
    what: 'a release that does not reach the kernel',
    sabotage: withLockspace((lockspace) => replaced(lockspace, 'unlock', () => Promise.resolve())),
    caughtBy: /^(2 nothing leaks|4 released)/,
  },
  {
    what: 'a handover that leaves the resource open to others',
    sabotage: withLockspace((lockspace) => replaced(lockspace, 'convert', (...args) => {
      const [id, request] = args as Parameters<Lockspace['convert']>;
      const mode = request.mode === 'CW' ? 'NL' : request.mode;
      return lockspace.convert(id, { ...request, mode });
    })),
    caughtBy: /^1 kept/,
  },
  {
    what: 'a convert that is told and not done',
    sabotage: withLockspace((lockspace) => replaced(lockspace, 'convert', (...args) => {
      const [, { mode }] = args as Parameters<Lockspace['convert']>;
      return Promise.resolve({ mode, value: null, demoted: false });
    })),
    caughtBy: /^(1 kept|3 exclusion)/,
  },
  {
    what: 'a death that is believed before DLM has recovered',
    sabotage: (host, lockManager) => replaced(lockManager, 'lockspaceState', async (...args) => {
      const [name] = args as [string];
      const state = await lockManager.lockspaceState(name);
      return state.kind === 'waiting' ? { kind: 'running', members: [host.id] } : state;
    }),
    caughtBy: /^9 recovered/,
  },
];

for (const { what, sabotage, caughtBy } of SABOTAGES) {
  test(`the simulation catches ${what}`, async (t) => {
    t.timeout(TIMEOUT_MS);
    for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
      const { violations } = await runCluster(randomClusterScript(seed, STEPS, 3), sabotage);
      if (!violations.some((violation) => caughtBy.test(violation))) continue;
      t.log(`seed ${seed}: ${violations[0]}`);
      t.pass();
      return;
    }
    t.fail(`nothing was wrong in ${SEEDS_MAX} lives`);
  });
}
