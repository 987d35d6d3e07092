import { pacemakerTest } from './pacemaker/context.js';
import { addShortCases } from './pacemaker/short-cases.js';

/** A whole Pacemaker in the lab: the cases that every run tries. See pacemaker-all.test.ts. */
addShortCases(pacemakerTest());
