import { faultCases } from './group/faults.js';
import type { GroupCase } from './group/fixture.js';
import { membershipCases } from './group/membership.js';
import { messageCases } from './group/messages.js';
import { nameCases } from './group/names.js';
import { queryCases } from './group/queries.js';

export * from './group/fixture.js';

/** Everything that is said of the Group port, for both of its sides. */
export const groupCases: readonly GroupCase[] = [
  ...messageCases, ...membershipCases, ...nameCases, ...queryCases, ...faultCases,
];
