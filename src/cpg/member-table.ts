import type { Member } from './port.js';

/** Above this many the table starts anew: pids come back, and nobody leaves the table by itself. */
const MEMBERS_MAX = 1_024;

/**
 * One frozen object for each sender instead of one for each message; a listener may keep it. Two
 * messages of one sender may still carry different objects, so compare the numbers.
 */
export class MemberTable {
  readonly #byNode = new Map<number, Map<number, Member>>();
  #count = 0;
  #last: Member = Object.freeze({ nodeId: 0, pid: 0 });

  get(nodeId: number, pid: number): Member {
    const last = this.#last;
    if (last.pid === pid && last.nodeId === nodeId) return last;
    this.#last = this.#byNode.get(nodeId)?.get(pid) ?? this.#add(nodeId, pid);
    return this.#last;
  }

  #add(nodeId: number, pid: number): Member {
    if (this.#count >= MEMBERS_MAX) {
      this.#byNode.clear();
      this.#count = 0;
    }
    let byPid = this.#byNode.get(nodeId);
    if (byPid === undefined) {
      byPid = new Map();
      this.#byNode.set(nodeId, byPid);
    }
    const member = Object.freeze({ nodeId, pid });
    byPid.set(pid, member);
    this.#count += 1;
    return member;
  }
}
