import { pacemakerTest } from './pacemaker/context.js';
import { addShortCases } from './pacemaker/short-cases.js';

/** A whole Pacemaker in the lab: the short cases. See pacemaker-all.test.ts for all of them. */
addShortCases(pacemakerTest());
