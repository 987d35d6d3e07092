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

class LabFixture implements LockManagerFixture {
  readonly #lab: Lab;
  readonly #members = new Map<LockMember, { remote: RemoteMember; pid: number }>();
  readonly #off = new Set<number>();

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  async start(
    node: number, lockspace = 'conformance', request: OpenRequest = {},
  ): Promise<LockMember> {
    const remote = new RemoteMember(this.#lab, node + 1, lockspace, request);
    const pid = await remote.opened();
    const member = memberOf(remote);
    this.#members.set(member, { remote, pid });
    return member;
  }

  async kill(member: LockMember): Promise<void> {
    const known = this.#members.get(member);
    if (known === undefined) throw new Error('this member was not started here');
    const guest = this.#lab.node(known.remote.node);
    const child = (await guest.exec(`pgrep -P ${known.pid}`)).stdout.trim();
    await guest.killProcess(known.pid);
    await waitUntil(async () => (await guest.attempt(`test -d /proc/${child}`)).code !== 0,
      { what: 'a killed child to end', timeoutMs: 10_000 });
  }

  nodeId(node: number): number {
    return node + 1;
  }

  async powerOff(node: number): Promise<void> {
    this.#off.add(node + 1);
    await this.#lab.node(node + 1).powerOff();
    for (const { remote } of this.#members.values()) {
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
    await Promise.all([...this.#members.values()].map(({ remote }) => remote.end()));
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
      const drawSeed = (): number => chooseSeed(t);
      await t.notThrowsAsync(run(fixture, assert, drawSeed));
    } finally {
      await fixture.close();
    }
  });
}
