import { messageOf } from '../errors.js';
import { Callers } from './callers.js';
import { ConditionPoll } from './condition-poll.js';
import { nextDeadlineMs } from './core/deadline.js';
import { viewLastManifest } from './core/death.js';
import type { Answer, Effect } from './core/effect.js';
import type { CoreEvent } from './core/event.js';
import { viewLocks, viewOwnLock } from './core/lock-view.js';
import { viewNodes, viewStatus } from './core/node-view.js';
import { findOwnLock, shownState } from './core/own-locks.js';
import type { Owner } from './core/owner.js';
import { initialState, type State } from './core/state.js';
import { explain, type Explanation } from './core/explain.js';
import { step } from './core/step.js';
import type {
  CoordinatorEvent, FencingHint, LastManifest, LockView, NodeView, OrphanView, OwnLockView,
  StatusView,
} from './core/view.js';
import { EffectRunner } from './effect-runner.js';
import { CoordinatorError } from './error.js';
import { gatherEvidence } from './evidence.js';
import { FencingHints } from './fencing-hints.js';
import { FencingPoll } from './fencing-poll.js';
import { GroupLink } from './group-link.js';
import { ListLink } from './list-link.js';
import { LockspaceLink } from './lockspace-link.js';
import { LostLocks } from './lost-locks.js';
import { MessageStamp } from './message-stamp.js';
import type { CoordinatorModules, CoordinatorOptions, LockListPort } from './modules.js';
import { OwnerWatch } from './owner-watch.js';
import { viewOrphans } from './orphans.js';
import { QuorumLink } from './quorum-link.js';
import { errorOf, Requests } from './requests.js';
import { toShownLockName } from './resource-name.js';
import type {
  AcquireRequest,
  AcquireResult,
  AcquireSetRequest,
  AcquireSetResult,
  ConvertRequest,
  ConvertResult,
  CoordinatorService,
  FencingReport,
  HandoverRequest,
  HandoverResult,
  ReleaseOrphanRequest,
  ReleaseOrphanResult,
  ReleaseRequest,
  ReleaseResult,
  StopLocks,
} from './service.js';

/** Ticks are never closer than this, however near the next deadline is. */
const TICK_MIN_MS = 5;

/**
 * The shell around the core: feeds it events in their order, carries out its effects, and keeps
 * the links to corosync and the lock manager alive.
 */
export class Coordinator implements CoordinatorService {
  readonly #options: CoordinatorOptions;
  readonly #modules: CoordinatorModules;
  readonly #state: State;
  readonly #list: LockListPort;
  readonly #callers = new Callers();
  readonly #listeners = new Set<(event: CoordinatorEvent) => void>();
  readonly #listLink: ListLink;
  readonly #runner: EffectRunner;
  readonly #stamp: MessageStamp;
  readonly #owners: OwnerWatch;
  readonly #quorum: QuorumLink;
  readonly #group: GroupLink;
  readonly #lockspace: LockspaceLink;
  readonly #condition: ConditionPoll;
  readonly #lost: LostLocks;
  readonly #hints: FencingHints;
  readonly #fencing: FencingPoll;
  readonly #requests: Requests;
  readonly #ending = new AbortController();
  #tickTimer: { cancel(): void } | null = null;
  /** When it fires, monotonic ms. */
  #tickAtMs = 0;
  #isTickDue = false;
  #dead = false;
  readonly #adopted: { readonly promise: Promise<void>; resolve(): void };
  /** Resolves when the coordinator has stopped; rejects when it cannot run at all. */
  readonly done: Promise<void>;

  private constructor(
    options: CoordinatorOptions,
    modules: CoordinatorModules,
    list: LockListPort,
  ) {
    this.#options = options;
    this.#modules = modules;
    this.#list = list;
    const { clock } = modules;
    const dispatch = (event: CoreEvent): void => this.#dispatch(event);
    this.#state = initialState({ ...options, nodeId: 0 }, clock.now(), clock.monotonic());
    this.#listLink = new ListLink({
      list, clock, dispatch, log: modules.log,
      hanging: (isHanging) => this.#runner.holdUp(isHanging),
      recovered: () => this.#runner.retry(),
    });
    this.#runner = new EffectRunner({
      append: (records) => this.#listLink.append(records),
      perform: (effect) => this.#perform(effect),
      dispatch,
    });
    this.#stamp = new MessageStamp(this.#state);
    this.#owners = new OwnerWatch(modules.processWatch, clock, dispatch);
    this.#quorum = new QuorumLink(modules.openQuorum, clock, dispatch);
    this.#group = new GroupLink(options.group, modules, dispatch);
    this.#lockspace = new LockspaceLink(options, modules, dispatch);
    this.#condition = new ConditionPoll(options.lockspace, modules, dispatch);
    this.#lost = new LostLocks(() => this.nodeId);
    this.#hints = new FencingHints(modules);
    this.#fencing = new FencingPoll(modules, dispatch, () => this.#isNodeDown());
    this.#requests = new Requests({
      state: this.#state,
      processWatch: modules.processWatch,
      isFull: () => this.#runner.isFull,
      forgetLost: (resource, owner) => this.#lost.forget(resource, owner),
      ask: (signal, event) => this.#ask(signal, event),
    });
    this.#adopted = withResolver();
    this.done = this.#run();
  }

  /** Reads the list and starts. Rejects with ListError when the list cannot be used. */
  static async start(
    options: CoordinatorOptions,
    modules: CoordinatorModules,
  ): Promise<Coordinator> {
    const { list, found } = await modules.openList();
    const coordinator = new Coordinator(options, modules, list);
    for (const problem of found.problems) modules.log('error', `the lock list: ${problem}`);
    coordinator.#listLink.watch();
    const { locks, generations } = found;
    const { upTo, certain: isCertain } = generations;
    coordinator.#dispatch({ kind: 'list-found', locks, generations: { upTo, isCertain } });
    return coordinator;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    await Promise.all([
      this.#quorum.run(signal),
      this.#lockspace.run(signal, () => this.#quorum.obstacle),
      this.#condition.run(signal, () => this.#isCalm()),
      this.#group.run(signal, this.#adopted.promise),
    ]).catch((error: unknown) => {
      this.abandon();
      throw error;
    });
  }

  #isCalm(): boolean {
    return this.#state.condition.kind === 'running' && !this.#isNodeDown();
  }

  #isNodeDown(): boolean {
    for (const peer of this.#state.peers.values()) if (peer.state === 'node-down') return true;
    return false;
  }

  #dispatch(event: CoreEvent): void {
    if (this.#dead) return;
    const { clock } = this.#modules;
    const at = { wallMs: clock.now(), monotonicMs: clock.monotonic() };
    this.#runner.push(step(this.#state, event, at));
    if (this.#state.lockspaceLink.kind === 'open') this.#adopted.resolve();
    if (isSignOfChange(event, this.#state)) {
      this.#condition.hurry();
      this.#fencing.wake(this.#ending.signal);
    }
    this.#armTick();
  }

  /** Once for all events of a burst: finding the next deadline looks at everyone who waits. */
  #armTick(): void {
    if (this.#isTickDue) return;
    this.#isTickDue = true;
    queueMicrotask(() => {
      this.#isTickDue = false;
      if (this.#dead) return;
      const { clock } = this.#modules;
      const nowMs = clock.monotonic();
      const atMs = Math.max(nextDeadlineMs(this.#state), nowMs + TICK_MIN_MS);
      // Most events change no deadline.
      if (this.#tickTimer !== null && atMs === this.#tickAtMs) return;
      this.#tickTimer?.cancel();
      this.#tickAtMs = atMs;
      this.#tickTimer = clock.setTimer(atMs - nowMs, () => {
        this.#tickTimer = null;
        this.#dispatch({ kind: 'tick' });
      });
    });
  }

  #perform(effect: Effect): void {
    if (this.#dead) return;
    switch (effect.kind) {
      case 'send':
        this.#group.send(this.#stamp.encode(effect.body));
        break;
      case 'send-snapshot':
        for (const payload of this.#stamp.encodeSnapshot(effect)) this.#group.send(payload);
        break;
      case 'lock':
        this.#lockspace.perform(effect.action, effect.opening);
        break;
      case 'read-locks':
        this.#lockspace.readLocks(effect.round, effect.opening);
        break;
      case 'reserve-generations':
        this.#reserve(effect.above);
        break;
      case 'watch-owner':
        this.#owners.watch(effect.id, effect.owner);
        break;
      case 'unwatch-owner':
        this.#owners.unwatch(effect.id);
        break;
      case 'reply':
        this.#callers.answer(effect.caller, effect.answer);
        break;
      case 'publish':
      case 'tell':
        this.#publish(effect.event);
        break;
      case 'log':
        this.#modules.log(effect.level, effect.message);
        break;
      case 'persist':
      case 'confirm-set':
      case 'confirm-held':
        break;
      default:
        effect satisfies never;
    }
  }

  #reserve(above: number): void {
    this.#list.reserveGenerations(above).then(
      ({ last }) => this.#dispatch({ kind: 'generations-reserved', upTo: last }),
      (error: unknown) => {
        this.#dispatch({ kind: 'generations-failed', message: messageOf(error) });
      },
    );
  }

  #publish(event: CoordinatorEvent): void {
    this.#lost.note(event);
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#modules.log('error', `a listener failed: ${messageOf(error)}`);
      }
    }
  }

  status(): StatusView {
    const status = viewStatus(this.#state);
    const warnings = [...status.warnings, ...this.#lost.warnings];
    return { ...status, warnings, lost: this.#lost.all, fencingHints: this.#hints.all };
  }

  nodes(): readonly NodeView[] {
    return viewNodes(this.#state);
  }

  locks(): readonly LockView[] {
    return viewLocks(this.#state);
  }

  ownLock(resource: string, owner: Owner): OwnLockView {
    const { standing } = this.#state;
    const own = findOwnLock(this.#state, resource, owner);
    const isShown = own !== undefined && shownState(own.phase) !== null;
    const lock = isShown ? viewOwnLock(this.#state, own) : this.#lost.find(resource, owner);
    return { state: lock?.state ?? 'none', lock, standing };
  }

  async hintFencing(report: FencingReport): Promise<FencingHint> {
    const { node, operation, succeeded } = report;
    const found = this.nodes().find(({ name }) => name === node);
    this.#condition.hurry();
    const hint = await this.#hints.add({ node, operation, succeeded }, found?.id ?? null);
    const outcome = succeeded ? 'succeeded' : 'failed';
    const what = `heard that ${operation} of ${node} ${outcome}`;
    this.#modules.log('info', `${what}; dlm_controld says of its fencing: ${hint.controller}`);
    return hint;
  }

  subscribe(listener: (event: CoordinatorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async explain(resource: string): Promise<Explanation> {
    const lockName = toShownLockName(resource);
    const { nodeId } = this.#state.self;
    const evidence =
      await gatherEvidence(this.#lockspace.current, lockName, nodeId, this.#modules);
    return explain(this.#state, resource, lockName, { ...evidence, hints: this.#hints.all });
  }

  lastManifest(node: string): LastManifest {
    const found = viewLastManifest(this.#state, node);
    if (found !== null) return found;
    const text = `no manifest of a node '${node}' was ever heard here`;
    throw new CoordinatorError('NOT_HELD', `${text}; 'holdfast nodes' lists those that are known`);
  }

  /** This node's number; 0 before corosync has told. */
  get nodeId(): number {
    return this.#state.self.nodeId;
  }

  /** Shows what the operator should know in `status`, until it is told null. */
  warn(topic: string, text: string | null): void {
    this.#dispatch({ kind: 'warning', topic, text });
  }

  acquire(request: AcquireRequest): Promise<AcquireResult> {
    return this.#requests.acquire(request);
  }

  convert(request: ConvertRequest): Promise<ConvertResult> {
    return this.#requests.convert(request);
  }

  acquireSet(request: AcquireSetRequest): Promise<AcquireSetResult> {
    return this.#requests.acquireSet(request);
  }

  release(request: ReleaseRequest): Promise<ReleaseResult> {
    return this.#requests.release(request);
  }

  handover(request: HandoverRequest): Promise<HandoverResult> {
    return this.#requests.handover(request);
  }

  releaseOrphan(request: ReleaseOrphanRequest): Promise<ReleaseOrphanResult> {
    return this.#requests.releaseOrphan(request);
  }

  orphans(): readonly OrphanView[] {
    return viewOrphans(viewLocks(this.#state));
  }

  /**
   * A clean stop: says goodbye, leaves the group and, when nothing is kept, the lockspace.
   * Rejects with `LOCKS_HELD` and goes on running when `locks` is `refuse` and some are held.
   */
  async stop(locks: StopLocks): Promise<{ readonly kept: number }> {
    const never = new AbortController().signal;
    const answer = await this.#ask(never, (caller) => ({ kind: 'stop', caller, locks }));
    if (answer.kind !== 'stopped') throw errorOf(answer);
    await this.#runner.settled();
    await this.#group.leave();
    await this.#lockspace.close(answer.kept === 0);
    await this.#end();
    return { kept: answer.kept };
  }

  /** Drops everything where it is, as a crash would; what is held becomes orphans. */
  abandon(): void {
    this.#end().catch((error: unknown) => {
      this.#modules.log('error', `the end was not clean: ${messageOf(error)}`);
    });
  }

  async #end(): Promise<void> {
    if (this.#dead) return;
    this.#dead = true;
    this.#tickTimer?.cancel();
    this.#ending.abort();
    this.#adopted.resolve();
    this.#owners.close();
    this.#listLink.close();
    const text = 'the daemon has stopped';
    this.#callers.answerAll({
      kind: 'refused', code: 'STOPPING', message: text, retryable: false, holders: [],
    });
    await this.#list.close().catch((error: unknown) => {
      this.#modules.log('error', `the lock list was not closed cleanly: ${messageOf(error)}`);
    });
    await this.#modules.lockManager.close();
  }

  #ask(signal: AbortSignal, event: (caller: number) => CoreEvent): Promise<Answer> {
    if (this.#dead) throw new CoordinatorError('STOPPING', 'the daemon has stopped');
    return this.#callers.ask(
      signal,
      (caller) => this.#dispatch(event(caller)),
      (caller) => this.#dispatch({ kind: 'caller-gone', caller }),
    );
  }

}

/** What makes the next look at the lockspace urgent. */
function isSignOfChange({ kind }: CoreEvent, { lossMs }: State): boolean {
  // A grant after a loss is told only when the lockspace has said that it runs without the lost.
  if (kind === 'granted' || kind === 'adopted') return lossMs !== null;
  return kind === 'view' || kind === 'ring' || kind === 'quorum'
    || kind === 'lockspace-open' || kind === 'lockspace-lost';
}

function withResolver(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
