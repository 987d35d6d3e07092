import type { KoffiFunc } from 'koffi';

/** A function of a C library as koffi gives it, played by the test; also off the main thread. */
export function fakeCall<Args extends unknown[]>(
  play: (...args: NoInfer<Args>) => number,
): KoffiFunc<(...args: Args) => number> {
  const async = (...args: unknown[]): void => {
    const done = args.pop() as (error: unknown, result: number | null) => void;
    setImmediate(() => {
      try {
        done(null, play(...(args as Args)));
      } catch (thrown) {
        done(thrown, null);
      }
    });
  };
  return Object.assign((...args: Args) => play(...args), { async }) as unknown as
    KoffiFunc<(...args: Args) => number>;
}
