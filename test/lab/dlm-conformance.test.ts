import assert from 'node:assert/strict';
import test from 'ava';
import type { OpenRequest } from '../../src/dlm/index.js';
import {
  lockManagerCases, type LockManagerFixture, type LockMember,
} from '../conformance/lock-manager/index.js';
import { startLab, type Lab } from './cluster.js';
import { waitUntil } from './host/wait.js';
import { chooseSeed } from '../support/property-seed.js';
import { memberOf, RemoteMember } from './remote-member.js';

/** A case that took a node's power leaves it on again; that takes a boot. */
const CASE_TIMEOUT_MS = 400_000;

const OWN_LOCKSPACE = 'conformance';

/**
 * Processes that cases have left in good order, for later ones: to start one takes seconds. What
 * they still hold is of names that no other case uses.
 */
const idle: RemoteMember[] = [];

class LabFixture implements LockManagerFixture {
  readonly #lab: Lab;
  readonly #members = new Map<LockMember, RemoteMember>();
  readonly #off = new Set<number>();

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  async start(
    node: number, lockspace = OWN_LOCKSPACE, request: OpenRequest = {},
  ): Promise<LockMember> {
    const known = idle.findIndex((candidate) => candidate.reusable
      && candidate.node === node + 1 && candidate.lockspace === lockspace);
    const [reused] = known === -1 ? [] : idle.splice(known, 1);
    const remote = reused ?? new RemoteMember(this.#lab, node + 1, lockspace, request);
    if (reused === undefined) await remote.opened();
    remote.renew();
    const member = memberOf(remote);
    this.#members.set(member, remote);
    return member;
  }

  async kill(member: LockMember): Promise<void> {
    const remote = this.#members.get(member);
    if (remote === undefined) throw new Error('this member was not started here');
    const guest = this.#lab.node(remote.node);
    const child = (await guest.exec(`pgrep -P ${remote.pid}`)).stdout.trim();
    await guest.killProcess(remote.pid);
    remote.abandon();
    await waitUntil(async () => (await guest.attempt(`test -d /proc/${child}`)).code !== 0,
      { what: 'a killed child to end', timeoutMs: 10_000 });
  }

  nodeId(node: number): number {
    return node + 1;
  }

  async powerOff(node: number): Promise<void> {
    this.#off.add(node + 1);
    await this.#lab.node(node + 1).powerOff();
    for (const remote of [...this.#members.values(), ...idle]) {
      if (remote.node === node + 1) remote.abandon();
    }
  }

  async withholdFencing(): Promise<void> {
    await Promise.all(this.#lab.nodes.map((node) => node.breakFencing()));
  }

  async allowFencing(): Promise<void> {
    const on = this.#lab.nodes.filter((node) => node.pid !== null);
    await Promise.all(on.map((node) => node.repairFencing()));
  }

  freshName(): string {
    names += 1;
    return `name-${names}`;
  }

  async close(): Promise<void> {
    const pooled = [...this.#members.values()].filter((remote) => remote.reusable
      && remote.lockspace === OWN_LOCKSPACE);
    const others = [...this.#members.values()].filter((remote) => !pooled.includes(remote));
    await Promise.all(others.map((remote) => remote.end()));
    idle.push(...pooled);
    for (const index of this.#off) {
      const guest = this.#lab.node(index);
      await guest.powerOn();
      await guest.booted();
      await guest.repairFencing();
      await this.#lab.rejoin(index);
    }
    if (this.#off.size > 0) await this.#lab.quorate([1, 2, 3]);
  }
}

let names = 0;
let lab: Lab | null = null;

test.before(async (t) => {
  t.timeout(900_000);
  lab = await startLab({ progress: (line) => t.log(line) });
  await lab.startCluster();
  await lab.deploy();
});

test.after.always(async () => {
  for (const remote of idle) remote.abandon();
  await lab?.stop();
});

// The cases that cut a node's power come last: the others need no node to boot again.
for (const { title, run } of
  [...lockManagerCases].sort((a, b) => a.needs.length - b.needs.length)) {
  test.serial(`real: ${title}`, async (t) => {
    t.timeout(CASE_TIMEOUT_MS);
    if (lab === null) throw new Error('there is no lab');
    const fixture = new LabFixture(lab);
    try {
      await t.notThrowsAsync(run(fixture, assert, () => chooseSeed(t)));
    } finally {
      await fixture.close();
    }
  });
}
