import type { LockMode } from '../../src/coordinator/core/mode.js';
import type { Op, Script } from './script.js';

export function take(
  owner: string, mode: LockMode = 'EX', waitMs = 0, resource = 'disk', node = 1,
): Op {
  return { do: 'acquire', node, owner, resource, mode, waitMs };
}

export function giveBack(owner: string, resource = 'disk', node = 1): Op {
  return { do: 'release', node, owner, resource };
}

function takeBoth(owner: string, waitMs = 0): Op {
  return { do: 'acquire-set', node: 1, owner, resources: ['image', 'disk'], mode: 'EX', waitMs };
}

function convert(owner: string, mode: LockMode, waitMs = 0): Op {
  return { do: 'convert', node: 1, owner, resource: 'disk', mode, waitMs };
}

const settle: Op = { do: 'settle' };

/** One script for each kind of operation; crashed at every boundary in every way. */
export const OP_SCRIPTS: readonly Script[] = [
  alone('acquire and release', [take('vm'), giveBack('vm')]),
  alone('refusal', [take('vm'), take('other'), giveBack('vm')]),
  alone('wait for a holder', [take('vm'), take('other', 'EX', 5_000), giveBack('vm')]),
  alone('time-out', [take('vm'), take('other', 'EX', 500), { do: 'wait', ms: 600 }]),
  alone('cancel', [
    take('vm'), take('other', 'EX', 5_000),
    { do: 'cancel', node: 1, owner: 'other', resource: 'disk' },
  ]),
  alone('readers and a writer', [
    take('r1', 'PR'), take('r2', 'PR'), take('w', 'EX', 5_000), giveBack('r1'), giveBack('r2'),
  ]),
  alone('set', [takeBoth('vm'), giveBack('vm'), giveBack('vm', 'image')]),
  alone('set that is refused', [take('other', 'PR', 0, 'image'), takeBoth('vm')]),
  alone('set that waits', [
    take('vm'), take('other', 'EX', 0, 'image'), takeBoth('vm', 5_000), giveBack('other', 'image'),
  ]),
  alone('upgrade', [
    take('vm', 'PR'), take('r', 'PR'), convert('vm', 'EX', 5_000), giveBack('r'), giveBack('vm'),
  ]),
  alone('upgrade that is refused', [take('vm', 'PR'), take('r', 'PR'), convert('vm', 'EX')]),
  alone('downgrade', [
    take('vm'), take('r', 'PR', 5_000), convert('vm', 'PR'), giveBack('vm'), giveBack('r'),
  ]),
  alone('end of a process', [take('p1'), { do: 'end', node: 1, owner: 'p1' }]),
  alone('adoption', [
    take('vm'), take('r1', 'PR', 0, 'image'), take('r2', 'PR', 0, 'image'),
    { do: 'kill-daemon', node: 1 }, settle, giveBack('r1', 'image'),
  ]),
  alone('death of the child', [
    take('vm'), take('p1', 'EX', 0, 'image'), { do: 'kill-child', node: 1 }, settle,
    giveBack('vm'),
  ]),
  alone('compaction', [
    take('vm'), take('a', 'EX', 0, 'image'), giveBack('a', 'image'),
    take('a', 'EX', 0, 'image'), giveBack('a', 'image'), take('a', 'EX', 0, 'image'),
  ]),
  alone('reboot', [take('vm'), { do: 'power-off', node: 1 }, settle, take('vm')]),
  {
    name: 'two nodes', seed: 1, disorder: 0, daemons: 2,
    ops: [take('vm'), take('vm', 'EX', 5_000, 'disk', 2), giveBack('vm'), giveBack('vm', 'disk', 2)],
  },
];

function alone(name: string, ops: readonly Op[]): Script {
  return { name, seed: 1, disorder: 0, daemons: 1, ops };
}
