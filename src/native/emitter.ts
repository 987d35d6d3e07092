import { EventEmitter } from 'eventemitter3';
import { ListenerError } from './listener-error.js';

/**
 * An emitter that reaches every listener even when one throws: EventEmitter's own `emit` would
 * skip the rest.
 *
 * What was thrown is thrown again in a microtask, as the cause of a ListenerError
 * `LISTENER_THREW`, where it is an uncaught exception: a listener that throws is a bug, and
 * nobody here could handle it.
 */
export class IsolatingEmitter<Events extends object> extends EventEmitter<Events> {
  /** Calls the listeners of that event, in the order in which they were added. */
  override emit<Name extends EventEmitter.EventNames<Events>>(
    name: Name, ...args: EventEmitter.EventArgs<Events, Name>
  ): boolean {
    if (this.listenerCount(name) === 1) return this.#emitToOne(name, args);
    const listeners = this.listeners(name);
    for (const listener of listeners) {
      // Takes away only those that were added by `once`.
      this.removeListener(name, listener, undefined, true);
      try {
        listener(...args);
      } catch (thrown) {
        throwLater(String(name), thrown);
      }
    }
    return listeners.length > 0;
  }

  /** Nobody to keep from the event: the base class does it without making a list. */
  #emitToOne<Name extends EventEmitter.EventNames<Events>>(
    name: Name, args: EventEmitter.EventArgs<Events, Name>,
  ): boolean {
    try {
      return super.emit(name, ...args);
    } catch (thrown) {
      throwLater(String(name), thrown);
      return true;
    }
  }

  /**
   * Adds a listener; what it throws is an uncaught exception. Throws ListenerError
   * `LISTENER_INVALID` when it is no function, or when a context is given: `emit` could not pass
   * it on.
   */
  override on<Name extends EventEmitter.EventNames<Events>>(
    name: Name, listener: EventEmitter.EventListener<Events, Name>, context?: undefined,
  ): this {
    checkListener('on', listener, context);
    return super.on(name, listener);
  }

  /** As `on`, for one event. */
  override once<Name extends EventEmitter.EventNames<Events>>(
    name: Name, listener: EventEmitter.EventListener<Events, Name>, context?: undefined,
  ): this {
    checkListener('once', listener, context);
    return super.once(name, listener);
  }

  /** The same as `on`. */
  override addListener<Name extends EventEmitter.EventNames<Events>>(
    name: Name, listener: EventEmitter.EventListener<Events, Name>, context?: undefined,
  ): this {
    return this.on(name, listener, context);
  }
}

function checkListener(operation: string, listener: unknown, context: unknown): void {
  if (typeof listener !== 'function') {
    const text = `${operation}: the listener is ${typeof listener}; give a function`;
    throw new ListenerError('LISTENER_INVALID', operation, text);
  }
  if (context !== undefined) {
    const text = `${operation}: a context is not passed on; give a bound or an arrow function`;
    throw new ListenerError('LISTENER_INVALID', operation, text);
  }
}

function throwLater(event: string, thrown: unknown): void {
  const error = threw(event, thrown);
  queueMicrotask(() => {
    throw error;
  });
}

function threw(event: string, cause: unknown): ListenerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `a listener of "${event}" threw: ${reason}; catch within the listener`;
  return new ListenerError('LISTENER_THREW', `emit ${event}`, text, { cause });
}
