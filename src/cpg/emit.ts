import type { EventEmitter } from 'eventemitter3';
import type { GroupEvents } from './port.js';

/**
 * Emits to every listener even when one throws: EventEmitter's own `emit` would skip the rest.
 *
 * What was thrown is thrown again in a microtask, where it is an uncaught exception: a listener
 * that throws is a bug, and nobody here could handle it. Contexts given to `on` are not kept.
 */
export function emit<Name extends keyof GroupEvents>(
  emitter: EventEmitter<GroupEvents>, name: Name, ...args: GroupEvents[Name]
): void {
  for (const listener of emitter.listeners(name)) {
    // Takes away only those that were added by `once`.
    emitter.removeListener(name, listener, undefined, true);
    try {
      (listener as (...args: GroupEvents[Name]) => void)(...args);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }
}
