import { readFile } from 'node:fs/promises';

/** The group whose members may use the control socket; Pacemaker's own. */
export const CONTROL_GROUP = 'haclient';

/**
 * The number of the group `haclient` from /etc/group; null when it is not there. Groups of a
 * directory service are not seen, as only libc could ask for them.
 *
 * @see group(5)
 */
export async function findControlGroupId(groupFile = '/etc/group'): Promise<number | null> {
  const text = await readFile(groupFile, 'utf8');
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':');
    if (name === CONTROL_GROUP && id !== undefined && /^\d+$/.test(id)) {
      return Number(id);
    }
  }
  return null;
}
