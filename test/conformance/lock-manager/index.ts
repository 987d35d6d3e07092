import { deadlockCases } from './deadlock.js';
import type { Case } from './fixture.js';
import { lockspaceCases } from './lockspace.js';
import { modesCases } from './modes.js';
import { orphansCases } from './orphans.js';
import { queueCases } from './queue.js';
import { recoveryCases } from './recovery.js';
import { valueCases } from './value.js';

export type * from './fixture.js';

/** All that is promised of a lock manager, for every side of the port. */
export const lockManagerCases: readonly Case[] = [
  ...modesCases, ...queueCases, ...deadlockCases, ...valueCases, ...orphansCases,
  ...lockspaceCases, ...recoveryCases,
];
