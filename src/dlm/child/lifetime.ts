import koffi, { type KoffiFunc } from 'koffi';

/** @see prctl(2) */
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/**
 * Makes the kernel kill this process as soon as its parent dies, however that dies. Returns false
 * when the parent was gone before that was in force: the caller must end at once.
 *
 * Hazard: a process inside a stopped lockspace dies only when it gets out of the kernel.
 */
export function dieWithParent(parentPid: number): boolean {
  const prctl = koffi.load('libc.so.6').func(
    'int prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, '
    + 'unsigned long arg5)',
  ) as KoffiFunc<(option: number, a: number, b: number, c: number, d: number) => number>;
  const result = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  return result === 0 && process.ppid === parentPid;
}
