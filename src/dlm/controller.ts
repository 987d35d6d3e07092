import { execFile } from 'node:child_process';
import { messageOf } from '../errors.js';
import {
  parseConfig, parseLockspaces, parseStatus, type ControllerLockspace,
} from './dlm-tool.js';
import { DlmError } from './error.js';
import { FreshRun } from './fresh-run.js';
import type { KernelFiles } from './kernel-files.js';
import { judgeLockspace, reasonOf, type ControllerAnswer } from './lockspace-state.js';
import type { ClusterView, ControllerView, LockspaceState, LockspaceView } from './port.js';

/** How long dlm_tool may take: it hangs when dlm_controld hangs. */
export const TOOL_TIMEOUT_MS = 5_000;

/** Most output that is taken from dlm_tool, in bytes. */
export const TOOL_BYTES_MAX = 4 << 20;

/** A lockspace that was just created is in the kernel a moment before dlm_controld lists it. */
const UNLISTED_RETRIES_MAX = 3;

/** What a run of dlm_tool gave. */
export type ToolResult =
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'unanswered'; readonly reason: string };

/** Runs dlm_tool with these arguments. Never rejects. */
export type RunTool = (args: readonly string[]) => Promise<ToolResult>;

/** dlm_controld's view, from dlm_tool and the kernel's files; libdlm is never asked. */
export class Controller {
  readonly #runTool: RunTool;
  readonly #kernel: KernelFiles;
  readonly #lockspaces: FreshRun<ToolResult>;
  readonly #config: FreshRun<ToolResult>;
  readonly #status: FreshRun<ToolResult>;

  constructor({ runTool, kernel }: { readonly runTool: RunTool; readonly kernel: KernelFiles }) {
    this.#runTool = runTool;
    this.#kernel = kernel;
    this.#lockspaces = new FreshRun(() => this.#runTool(['ls', '-n']));
    this.#config = new FreshRun(() => this.#runTool(['dump_config']));
    this.#status = new FreshRun(() => this.#runTool(['status']));
  }

  /** How the lockspace stands on this node; begins to look after the call, never before. */
  async lockspaceState(name: string): Promise<LockspaceState> {
    for (let retries = UNLISTED_RETRIES_MAX; ; retries -= 1) {
      // In this order; see Sighting.
      const controller = answerOf(name, await this.#lockspaces.ask());
      const inKernel = await this.#kernel.hasLockspace(name);
      if (controller.kind === 'unlisted' && inKernel && retries > 0) {
        continue;
      }
      const configuredMembers = await this.#kernel.configuredMembers(name);
      const recoverStatus = await this.#kernel.recoverStatus(name);
      return judgeLockspace(name, { controller, inKernel, recoverStatus, configuredMembers });
    }
  }

  /** Rejects with `NO_DAEMON` when dlm_controld does not answer. */
  async controllerView(): Promise<ControllerView> {
    return { fencing: fencingOf(await this.#config.ask(), 'controllerView') };
  }

  /** Rejects with `NO_DAEMON` when dlm_controld does not answer. */
  async clusterView(): Promise<ClusterView> {
    const operation = 'clusterView';
    const [status, lockspaces, config] = await Promise.all([
      this.#status.ask(), this.#lockspaces.ask(), this.#config.ask(),
    ]);
    const daemon = parseStatus(textOf(status, operation, 'status'));
    if (daemon === null) {
      throw noAnswer(operation, 'status', 'it printed no status');
    }
    return {
      ...daemon,
      fencingEnabled: fencingOf(config, operation),
      lockspaces: parseLockspaces(textOf(lockspaces, operation, 'ls -n')).map(viewOf),
    };
  }
}

/** Runs the dlm_tool of this machine, without a shell. */
export function dlmTool(path: string): RunTool {
  return (args) => new Promise((resolve) => {
    const options = {
      timeout: TOOL_TIMEOUT_MS,
      killSignal: 'SIGKILL' as const,
      maxBuffer: TOOL_BYTES_MAX,
      encoding: 'utf8' as const,
    };
    execFile(path, args, options, (error, stdout) => {
      if (error === null) {
        resolve({ kind: 'output', text: stdout });
      } else {
        const cause = error.killed === true
          ? `no answer within ${TOOL_TIMEOUT_MS} ms`
          : messageOf(error).trim();
        resolve({ kind: 'unanswered', reason: `dlm_tool ${args.join(' ')}: ${cause}` });
      }
    });
  });
}

function fencingOf(result: ToolResult, operation: string): boolean {
  const setting = parseConfig(textOf(result, operation, 'dump_config')).get('enable_fencing');
  if (setting === undefined) {
    throw noAnswer(operation, 'dump_config', 'it printed no settings');
  }
  return setting !== '0';
}

function textOf(result: ToolResult, operation: string, command: string): string {
  if (result.kind === 'unanswered') {
    throw noAnswer(operation, command, result.reason);
  }
  return result.text;
}

function noAnswer(operation: string, command: string, reason: string): DlmError {
  const message = `dlm_controld does not answer dlm_tool ${command}: ${reason}; start dlm.service`;
  return new DlmError('NO_DAEMON', operation, message, { retryable: true });
}

function viewOf({ name, members, change, flags, nodes }: ControllerLockspace): LockspaceView {
  return {
    name,
    members,
    waitsFor: change === null ? null : reasonOf(change.waitsFor),
    detail: change?.waitsFor ?? '',
    stopped: flags.includes('kern_stop'),
    nodes,
  };
}

function answerOf(name: string, result: ToolResult): ControllerAnswer {
  if (result.kind === 'unanswered') {
    return { kind: 'unanswered', reason: `dlm_controld is away (${result.reason})` };
  }
  const lockspace = parseLockspaces(result.text).find((known) => known.name === name);
  return lockspace === undefined ? { kind: 'unlisted' } : { kind: 'listed', lockspace };
}
