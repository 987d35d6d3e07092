import { loadSystemdCalls } from './native.js';
import { Notifier, type NotifierModules } from './notifier.js';

export { Notifier } from './notifier.js';

/**
 * A notifier when a service manager listens (NOTIFY_SOCKET is set), null when none does. Loads
 * native code, so only the composition root calls it. Rejects with SystemdError `LIBRARY_MISSING`:
 * a manager that waits for our word would end us later, and nobody would know why.
 */
export async function openNotifier(modules: NotifierModules): Promise<Notifier | null> {
  if ((process.env['NOTIFY_SOCKET'] ?? '') === '') return null;
  return new Notifier(await loadSystemdCalls(), modules);
}
