import test, { type ExecutionContext } from 'ava';

import { startLab, type Lab } from './cluster.js';
import { HoldfastNode, type ApiAnswer } from './holdfast.js';
import { Timeline } from './timeline.js';

const RESOURCE = 'vm-disk-2';
const ALPHA = { kind: 'named', name: 'vm-alpha' } as const;
const BETA = { kind: 'named', name: 'vm-beta' } as const;
const INTRUDER = { kind: 'named', name: 'intruder' } as const;
/** Longer than any retry of a handover, so that a third who waits would get in if it could. */
const PATIENCE_MS = 15_000;

test('held locks change their mode and their node on a real DLM, and nobody gets between', async (t) => {
  t.timeout(1_200_000);
  const timeline = new Timeline((line) => t.log(line));
  const lab = await startLab({ progress: (line) => timeline.mark(line) });
  const job = new ChangingHands(t, lab, timeline);
  try {
    await job.startDaemons();
    await job.lowerAndRaise();
    await job.crashWhileRaising();
    await job.handOver();
    await job.handOverThroughACrash();
    await job.stopAtOnce();
  } catch (thrown) {
    for (const node of job.all) t.log(await node.log().catch(String));
    throw thrown;
  } finally {
    await lab.stop();
  }
});

class ChangingHands {
  readonly all: readonly HoldfastNode[];
  readonly #t: ExecutionContext;
  readonly #lab: Lab;
  readonly #timeline: Timeline;

  constructor(t: ExecutionContext, lab: Lab, timeline: Timeline) {
    this.#t = t;
    this.#lab = lab;
    this.#timeline = timeline;
    this.all = lab.nodes.map((guest) => new HoldfastNode(guest));
  }

  #node(index: number): HoldfastNode {
    const node = this.all[index - 1];
    if (node === undefined) throw new RangeError(`no node ${index}`);
    return node;
  }

  async startDaemons(): Promise<void> {
    await this.#lab.startCluster();
    await this.#lab.deploy();
    await Promise.all(this.all.map((node) => node.start()));
    await Promise.all(this.all.map((node) => node.ready()));
    this.#timeline.mark('three daemons vouch for their locks');
  }

  /** EX -> PR lets a reader in; PR -> EX is refused beside it, and granted with a new number. */
  async lowerAndRaise(): Promise<void> {
    const [n1, n2] = [this.#node(1), this.#node(2)];
    const taken = await this.#ask(n1, 'acquire', { owner: ALPHA, mode: 'EX', waitMs: 0 });
    const first = generationOf(taken);
    const lowered = await n1.cli(`convert ${RESOURCE} --owner vm-alpha --mode PR`);
    this.#t.is(lowered.code, 0, lowered.stdout + lowered.stderr);
    this.#t.regex(await n1.kernelLocks(), /vm-disk-2/);
    await this.#ask(n2, 'acquire', { owner: BETA, mode: 'PR', waitMs: 0 });
    this.#timeline.mark('n1 has lowered EX to PR, n2 reads beside it');

    const refused = await n1.post('convert', raise(0));
    this.#t.not(refused.status, 200);
    this.#t.regex(JSON.stringify(refused.body), /vm-beta.*n2/);
    this.#t.is(await this.#modeOn(n1, 1), 'PR');
    this.#timeline.mark('n1 is not raised beside n2, and keeps PR');

    await this.#ask(n2, 'release', { owner: BETA });
    const raised = await this.#ask(n1, 'convert', { owner: ALPHA, mode: 'EX', waitMs: 0 });
    this.#t.true(generationOf(raised) > first, `${generationOf(raised)} after ${first}`);
    const kept = await n2.post('acquire', wish(BETA, 'PR', 0));
    this.#t.not(kept.status, 200);
    this.#timeline.mark('alone, n1 is raised to EX with a greater generation');
  }

  /** Daemon and child die while a raise waits: the old mode is adopted, and the reader stays. */
  async crashWhileRaising(): Promise<void> {
    const [n1, n2] = [this.#node(1), this.#node(2)];
    await this.#ask(n1, 'convert', { owner: ALPHA, mode: 'PR', waitMs: 0 });
    await this.#ask(n2, 'acquire', { owner: BETA, mode: 'PR', waitMs: 0 });
    await n1.postUnheard('convert', raise(null));
    await n2.until('see n1 wait to be raised', async () => {
      const locks = await n2.locks();
      return locks.some(({ node, converting }) => node.id === 1 && converting === 'EX');
    });
    await n1.killAll();
    await n1.start();
    await n1.ready();
    this.#t.is(await this.#modeOn(n1, 1), 'PR');
    this.#t.is(await this.#modeOn(n2, 2), 'PR');
    this.#timeline.mark('killed while it waited to be raised, n1 has adopted PR');
    await this.#ask(n2, 'release', { owner: BETA });
    await this.#ask(n1, 'convert', { owner: ALPHA, mode: 'EX', waitMs: 10_000 });
    this.#timeline.mark('n1 is raised after all');
  }

  /** n1 to n2, while n3 waits for it and asks again and again. */
  async handOver(): Promise<void> {
    const [n1, n2, n3] = [this.#node(1), this.#node(2), this.#node(3)];
    const before = await this.#generationOn(n1, 1);
    await n3.postUnheard('acquire', wish(INTRUDER, 'EX', PATIENCE_MS));
    await this.#ask(n1, 'handover/open', { owner: ALPHA, to: 'n2' });
    await this.#intrude(n3);
    await this.#ask(n2, 'handover/join', { owner: ALPHA, waitMs: 30_000 });
    this.#t.is(await this.#modeOn(n1, 1), 'CW');
    this.#t.is(await this.#modeOn(n2, 2), 'CW');
    await this.#intrude(n3);
    this.#timeline.mark('n1 and n2 hold it in CW, n3 is kept out');
    await this.#ask(n1, 'handover/finish', { owner: ALPHA, waitMs: 30_000 });
    await this.#ask(n2, 'handover/finish', { owner: ALPHA, waitMs: 60_000 });
    await this.#intrude(n3);
    this.#t.is(await this.#modeOn(n2, 2), 'EX');
    this.#t.true((await this.#generationOn(n2, 2)) > before);
    this.#timeline.mark('n2 holds it alone in EX with a greater generation, n3 never had it');
  }

  /** n2 to n1, whose daemon and child are killed when it has joined: it ends at n1 all the same. */
  async handOverThroughACrash(): Promise<void> {
    const [n1, n2, n3] = [this.#node(1), this.#node(2), this.#node(3)];
    await this.#ask(n2, 'handover/open', { owner: ALPHA, to: 'n1' });
    await this.#ask(n1, 'handover/join', { owner: ALPHA, waitMs: 30_000 });
    await n1.killAll();
    await this.#ask(n2, 'handover/finish', { owner: ALPHA, waitMs: 30_000 });
    await this.#intrude(n3);
    await n1.start();
    await n1.ready();
    await n1.until('hold it alone', async () => (await this.#modeOn(n1, 1)) === 'EX');
    await this.#intrude(n3);
    this.#timeline.mark('killed after it had joined, n1 has adopted its end and holds it alone');
    await this.#ask(n1, 'release', { owner: ALPHA });
    await this.#ask(n3, 'acquire', { owner: INTRUDER, mode: 'EX', waitMs: 10_000 });
    await this.#ask(n3, 'release', { owner: INTRUDER });
    for (const node of this.all) this.#t.notRegex(await node.kernelLocks(), /vm-disk-2/);
    this.#timeline.mark('released, it is n3\'s; nothing of it is left in any kernel');
  }

  /** Each stops the lockspace of the others for a moment, which nobody may leave meanwhile. */
  async stopAtOnce(): Promise<void> {
    await Promise.all(this.all.map((node) => node.signal('TERM')));
    for (const node of this.all) {
      await node.until('end', async () => !(await node.isRunning()));
      const left = await node.guest.attempt('test -e /sys/kernel/dlm/holdfast');
      this.#t.not(left.code, 0, `${node.guest.name} has left the lockspace: ${await node.log()}`);
    }
    this.#timeline.mark('all three, stopped at once, have left the lockspace');
  }

  /** A third asks for it in each mode that owners may have. */
  async #intrude(node: HoldfastNode): Promise<void> {
    for (const mode of ['EX', 'PW', 'PR']) {
      const owner = { kind: 'named', name: `intruder-${mode}` };
      const { status, body } = await node.post('acquire', wish(owner, mode, 0));
      this.#t.not(status, 200, `${mode}: ${JSON.stringify(body)}`);
    }
    const theirs = (await node.locks()).filter((lock) => lock.node.name === node.guest.name);
    this.#t.false(theirs.some(({ resource, state }) => resource === RESOURCE && state === 'held'));
  }

  async #ask(node: HoldfastNode, path: string, body: object): Promise<ApiAnswer> {
    const answer = await node.post(path, { resource: RESOURCE, ...body });
    this.#t.is(answer.status, 200, `${path} on ${node.guest.name}: ${JSON.stringify(answer.body)}`);
    return answer;
  }

  async #modeOn(node: HoldfastNode, nodeId: number): Promise<string | undefined> {
    return (await this.#lockOn(node, nodeId))?.mode;
  }

  async #generationOn(node: HoldfastNode, nodeId: number): Promise<number> {
    return (await this.#lockOn(node, nodeId))?.generation ?? -1;
  }

  async #lockOn(node: HoldfastNode, nodeId: number) {
    return (await node.locks()).find((lock) => {
      return lock.resource === RESOURCE && lock.node.id === nodeId && lock.state === 'held';
    });
  }
}

function wish(owner: object, mode: string, waitMs: number | null): object {
  return { resource: RESOURCE, owner, mode, waitMs };
}

function raise(waitMs: number | null): object {
  return wish(ALPHA, 'EX', waitMs);
}

function generationOf({ body }: ApiAnswer): number {
  return (body as { lock: { generation: number | null } }).lock.generation ?? -1;
}
