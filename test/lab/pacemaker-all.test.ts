import { pacemakerTest } from './pacemaker/context.js';
import { addLongCases } from './pacemaker/long-cases.js';
import { addShortCases } from './pacemaker/short-cases.js';

/** A whole Pacemaker in the lab, everything: `npm run test:pacemaker`, about an hour. */
const test = pacemakerTest();
addShortCases(test);
addLongCases(test);
