import koffi, { type KoffiFunc } from 'koffi';

/** How long the child lives on at most after its parent, for answers that are on their way. */
export const FAREWELL_MS_MAX = 500;
const POLL_MS = 2;

/** @see prctl(2) */
const PR_SET_PDEATHSIG = 1;
const SIGCONT = 18;

/**
 * Only the end of its parent ends this process, and no signal to the whole group of a terminal or a
 * service. One that is stopped goes on when its parent dies, however that dies, so that it can end.
 */
export function outliveParent(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const prctl = koffi.load('libc.so.6').func(
    'int prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, '
    + 'unsigned long arg5)',
  ) as KoffiFunc<(option: number, a: number, b: number, c: number, d: number) => number>;
  if (prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0) !== 0) {
    throw new Error(`prctl(PR_SET_PDEATHSIG) failed: errno ${koffi.errno()}`);
  }
}

/**
 * Ends this process once the kernel owes it no answer, or after FAREWELL_MS_MAX. An answer that
 * finds its process gone is what the kernel may not survive: docs/native-aborts.md, libdlm. What
 * waits in a queue is answered by nobody, so it takes the whole time.
 */
export function endOnceQuiet(isQuiet: () => boolean, end: () => void): void {
  const untilMs = performance.now() + FAREWELL_MS_MAX;
  const look = (): void => {
    if (isQuiet() || performance.now() >= untilMs) end();
    else setTimeout(look, POLL_MS);
  };
  look();
}
