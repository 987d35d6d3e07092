import { SET_MEMBERS_MAX } from './core/limits.js';
import type { SetMember } from './core/lock-set.js';
import { CoordinatorError } from './error.js';
import { toLockName } from './resource-name.js';
import type { AcquireSetRequest } from './service.js';

/**
 * The members of a set with their names in the lockspace.
 *
 * Throws CoordinatorError `BAD_NAME` for a name that breaks a rule or is there twice, and when
 * there are fewer than two or more than SET_MEMBERS_MAX.
 */
export function toMembers(wanted: AcquireSetRequest['members']): readonly SetMember[] {
  if (wanted.length < 2 || wanted.length > SET_MEMBERS_MAX) {
    const text = `a set has 2 to ${SET_MEMBERS_MAX} resources, not ${wanted.length}`;
    throw new CoordinatorError('BAD_NAME', text);
  }
  const names = new Set<string>();
  return wanted.map(({ resource, mode }) => {
    const lockName = toLockName(resource);
    if (names.has(lockName)) {
      throw new CoordinatorError('BAD_NAME', `'${resource}' is named twice in one set`);
    }
    names.add(lockName);
    return { resource, lockName, mode };
  });
}
