import type { Clock } from '../clock.js';

/**
 * Calls every listener, also after one has thrown: an event that one listener could take from the
 * others would make them disagree. What was thrown is thrown again in a later turn, where it is
 * an uncaught exception and not lost.
 */
export function emitToAll<Arguments extends readonly unknown[]>(
  clock: Clock,
  listeners: readonly ((...args: Arguments) => void)[],
  args: Arguments,
): void {
  for (const listener of listeners) {
    try {
      listener(...args);
    } catch (thrown) {
      clock.setTimer(0, () => {
        throw thrown;
      });
    }
  }
}
