import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from './clock.js';
import { ConfigError, loadConfig, type Config } from './config/index.js';
import { startControlServer } from './control/index.js';
import { Coordinator, openLockList, type StopLocks } from './coordinator/index.js';
import { describeStanding } from './coordinator/core/standing.js';
import { openCpg } from './cpg/index.js';
import { openLockManager } from './dlm/index.js';
import { HoldfastError, messageOf } from './errors.js';
import { openLog, type DaemonLog } from './log.js';
import { openProcessWatch } from './process-watch/index.js';
import { openQuorum } from './quorum/index.js';
import { Reactions } from './reactions/index.js';
import { openNotifier } from './systemd/index.js';
import { readVersion } from './version.js';

/** What holdfastd exits with. */
export const DAEMON_EXIT = { stopped: 0, failed: 1, badConfig: 2, unsafe: 3 } as const;

/** From this file, which lies beside main: programs are bundled by entry. */
const LOCK_CHILD = fileURLToPath(new URL('./dlm/child/main.js', import.meta.url));
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/**
 * Runs the daemon beside this node's corosync and dlm_controld until it is stopped; resolves
 * with the exit code. The socket answers from the start, whatever the cluster is waiting for.
 */
export async function runDaemon(configPath: string | null): Promise<number> {
  const config = await readConfig(configPath);
  if (config === null) return DAEMON_EXIT.badConfig;
  const log = openLog({ level: config.logLevel, format: config.logFormat });
  try {
    await serve(config, log);
    return DAEMON_EXIT.stopped;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    log.error(error.message);
    return exitStatusOf(error);
  }
}

/** `unsafe` when it would refuse again until somebody changes something: no use in a restart. */
export function exitStatusOf(error: HoldfastError): number {
  return error.code === 'UNSAFE' ? DAEMON_EXIT.unsafe : DAEMON_EXIT.failed;
}

async function readConfig(path: string | null): Promise<Config | null> {
  try {
    return await loadConfig(path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`holdfastd: ${error.message}\n`);
    return null;
  }
}

async function serve(config: Config, log: DaemonLog): Promise<void> {
  const notifier = await openNotifier({
    clock: systemClock,
    log: (level, message) => log.log(level, message),
  });
  const coordinator = await startCoordinator(config, log);
  const reactions = await startReactions(config, coordinator, log);
  const server = await startControlServer({
    service: coordinator,
    socketPath: config.socketPath,
    log,
    clock: systemClock,
  }).catch(async (error: unknown) => {
    coordinator.abandon();
    await reactions.close();
    throw error;
  });
  log.info(`holdfastd ${readVersion()} answers on ${config.socketPath}`);
  notifier?.ready();
  const tellNoMore = coordinator.subscribe((event) => {
    if (event.type === 'standing') notifier?.status(describeStanding(event.standing));
  });
  notifier?.status(describeStanding(coordinator.status().standing));
  const forget = stopOnSignals(coordinator, config.onStop, log);
  try {
    await coordinator.done;
  } finally {
    forget();
    tellNoMore();
    await notifier?.stopping();
    await server.close();
    await reactions.close();
  }
  log.info('stopped');
}

async function startReactions(
  config: Config,
  coordinator: Coordinator,
  log: DaemonLog,
): Promise<Reactions> {
  try {
    return await Reactions.start(config.reactions, config.stateDir, coordinator, {
      clock: systemClock,
      log: (level, message) => log.log(level, message),
    });
  } catch (error) {
    coordinator.abandon();
    throw error;
  }
}

async function startCoordinator(config: Config, log: DaemonLog): Promise<Coordinator> {
  const bootId = (await readFile(BOOT_ID_FILE, 'utf8')).trim();
  const { lockspace, group, nodeName, unsafeNoFencing, stateDir } = config;
  const options = {
    nodeName,
    incarnation: randomBytes(16).toString('hex'),
    bootId,
    lockspace,
    group,
    softwareVersion: readVersion(),
    unsafeNoFencing,
  };
  return Coordinator.start(options, {
    openGroup: openCpg,
    openQuorum,
    lockManager: openLockManager({
      log: (message) => log.warn(message), childCommand: [process.execPath, LOCK_CHILD],
    }),
    openList: () =>
      openLockList({ directory: stateDir, bootId, lockspace, clock: systemClock, log }),
    processWatch: await openProcessWatch(),
    clock: systemClock,
    log: (level, message) => log.log(level, message),
  });
}

/** SIGTERM and SIGINT stop cleanly; while locks are held, only as `on_stop` allows. */
function stopOnSignals(coordinator: Coordinator, locks: StopLocks, log: DaemonLog): () => void {
  const stop = (signal: NodeJS.Signals): void => {
    log.info(`${signal}: stopping`);
    coordinator.stop(locks).then(
      ({ kept }) => log.info(kept === 0 ? 'nothing is left held' : `${kept} locks are kept`),
      (error: unknown) => log.error(`not stopped: ${messageOf(error)}`),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return () => {
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
  };
}
