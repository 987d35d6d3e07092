import type { KoffiFunc } from 'koffi';

/**
 * Runs a call that may block on libuv's pool, which has four threads unless UV_THREADPOOL_SIZE
 * says otherwise. The caller keeps every buffer that C was given referenced until it resolves.
 * Never for a dispatch call: its callbacks belong on the main thread.
 */
export function offThread<Args extends unknown[], Result>(
  call: KoffiFunc<(...args: Args) => Result>, ...args: Args
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const done = (error: unknown, result: Result): void => {
      if (error === null || error === undefined) resolve(result);
      else reject(error instanceof Error ? error : new Error(`koffi: ${JSON.stringify(error)}`));
    };
    (call.async as (...args: unknown[]) => void)(...args, done);
  });
}
