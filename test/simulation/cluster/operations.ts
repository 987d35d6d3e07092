import * as fault from './fault-operations.js';
import { migrate } from './handover-operations.js';
import * as lock from './lock-operations.js';
import type { Op } from './op.js';
import { calm } from './rest.js';
import type { ClusterWorld } from './world.js';

/** One kind of thing that can happen. */
export interface Operation {
  /** How often, beside the others. */
  readonly weight: number;
  readonly isFault: boolean;
  /** False when there was nothing to do. */
  readonly perform: (world: ClusterWorld, one: Op) => boolean | Promise<boolean>;
}

/** All of them. A new one needs a line here, and its invariants in the ledger or at rest. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'acquire': { weight: 30, isFault: false, perform: lock.acquire },
  'acquire-set': { weight: 5, isFault: false, perform: lock.acquireSet },
  'release': { weight: 14, isFault: false, perform: lock.release },
  'convert': { weight: 6, isFault: false, perform: lock.convert },
  'migrate': { weight: 10, isFault: false, perform: migrate },
  'cancel': { weight: 3, isFault: false, perform: lock.cancel },
  'end-owner': {
    weight: 4, isFault: false,
    perform: (world, { node, owner }) => world.endOwner(node, owner.startsWith('p') ? owner : 'p-1'),
  },
  'stray': { weight: 1, isFault: true, perform: lock.stray },
  'release-orphans': { weight: 1, isFault: false, perform: lock.releaseOrphans },
  'kill-daemon': { weight: 4, isFault: true, perform: fault.killDaemon },
  'kill-child': { weight: 4, isFault: true, perform: fault.killChild },
  'stop-daemon': { weight: 2, isFault: true, perform: fault.stopDaemon },
  'power-off': { weight: 3, isFault: true, perform: fault.powerOff },
  'leave-ghost': { weight: 2, isFault: true, perform: fault.leaveGhost },
  'jump-clock': { weight: 1, isFault: true, perform: fault.jumpClock },
  'pause-node': { weight: 3, isFault: true, perform: fault.pauseNode },
  'partition': { weight: 3, isFault: true, perform: fault.partition },
  'cut-one-way': { weight: 1, isFault: true, perform: fault.cutOneWay },
  'restart-corosync': { weight: 2, isFault: true, perform: fault.restartCorosync },
  'withhold-fencing': { weight: 2, isFault: true, perform: fault.withholdFencing },
  'slow-disk': { weight: 2, isFault: true, perform: fault.slowDisk },
  'fail-disk': { weight: 2, isFault: true, perform: fault.failDisk },
  'hide-tables': { weight: 1, isFault: true, perform: fault.hideTables },
  'calm': { weight: 1, isFault: false, perform: calm },
};
