import type koffiModule from 'koffi';
import type { LibraryHandle, TypeObject } from 'koffi';
import { messageOf } from '../errors.js';
import { QuorumError } from './error.js';
import type {
  NativeCallback, NativeCallbacks, NativePoll, QuorumLibrary,
} from './library.js';

type Koffi = typeof koffiModule;

/** quorum_dispatch alone keeps 1 MiB on the stack, and callbacks run on top of it. */
export const STACK_BYTES = 4 << 20;
/** What koffi starts with, and enough: accepted when it is too late to ask for more. */
const STACK_BYTES_MIN = 2 << 20;

/**
 * Loads libquorum, once per process; nothing is loaded by importing this file.
 *
 * Rejects with QuorumError `LIBRARY_MISSING`, after which a later call tries again.
 * @see quorum_overview(3)
 */
export function loadQuorumLibrary(): Promise<QuorumLibrary> {
  loading ??= load().catch((thrown: unknown) => {
    loading = null;
    throw thrown;
  });
  return loading;
}

let loading: Promise<QuorumLibrary> | null = null;
let declaredTypes: Readonly<Record<string, TypeObject>> | null = null;

async function load(): Promise<QuorumLibrary> {
  try {
    const { default: koffi } = await import('koffi');
    growStack(koffi);
    const library = koffi.load('libquorum.so.5');
    // koffi's type names are global to the process, so a second attempt must not declare again.
    declaredTypes ??= declareTypes(koffi);
    return declare(koffi, library, declaredTypes);
  } catch (cause) {
    const text =
      `libquorum.so.5 cannot be loaded: ${messageOf(cause)}; install the Debian package ` +
      'libquorum5 (and npm packages without --omit=optional, for koffi)';
    throw new QuorumError('LIBRARY_MISSING', 'loadQuorumLibrary', text, { cause });
  }
}

/**
 * The stack size is one setting for the whole process and frozen by the first load of any
 * library, so this only ever raises it, and lives with having come second.
 */
function growStack(koffi: Koffi): void {
  const { sync_stack_size: sync = 0, async_stack_size: async = 0 } = koffi.config();
  if (sync >= STACK_BYTES && async >= STACK_BYTES) return;
  try {
    koffi.config({
      sync_stack_size: Math.max(sync, STACK_BYTES),
      async_stack_size: Math.max(async, STACK_BYTES),
    });
  } catch (cause) {
    if (sync < STACK_BYTES_MIN) {
      throw new Error(`a stack of ${sync} bytes is too small for quorum_dispatch`, { cause });
    }
  }
}

function declareTypes(koffi: Koffi): Record<string, TypeObject> {
  const quorum_ring_id = koffi.struct('holdfast_quorum_ring_id', {
    nodeid: 'uint32_t', seq: 'uint64_t',
  });
  const quorum_notification_fn_t = koffi.proto('holdfast_quorum_notification_fn_t', 'void', [
    'uint64_t', 'uint32_t', quorum_ring_id, 'uint32_t', 'void *',
  ]);
  const nodelist_notification_fn_t = koffi.proto('holdfast_quorum_nodelist_fn_t', 'void', [
    'uint64_t', quorum_ring_id, 'uint32_t', 'void *', 'uint32_t', 'void *', 'uint32_t', 'void *',
  ]);
  const quorum_model_v1_data_t = koffi.struct('holdfast_quorum_model_v1_data_t', {
    model: 'int',
    quorum_notify_fn: koffi.pointer(quorum_notification_fn_t),
    nodelist_notify_fn: koffi.pointer(nodelist_notification_fn_t),
  });
  return {
    quorum_ring_id, quorum_notification_fn_t, nodelist_notification_fn_t, quorum_model_v1_data_t,
  };
}

function declare(
  koffi: Koffi, library: LibraryHandle, types: QuorumLibrary['types'],
): QuorumLibrary {
  // koffi types every function as any; the interface states what the declaration beside it means.
  const int = (declaration: string) => library.func(`int ${declaration}`);
  return {
    quorum_model_initialize: int(
      'quorum_model_initialize(_Out_ uint64_t *handle, int model, ' +
      'holdfast_quorum_model_v1_data_t *model_data, _Out_ uint32_t *quorum_type, void *context)',
    ),
    quorum_finalize: int('quorum_finalize(uint64_t handle)'),
    quorum_fd_get: int('quorum_fd_get(uint64_t handle, _Out_ int *fd)'),
    quorum_dispatch: int('quorum_dispatch(uint64_t handle, int dispatch_types)'),
    quorum_trackstart: int('quorum_trackstart(uint64_t handle, unsigned int flags)'),
    register: (callbacks) => register(koffi, types, callbacks),
    decodeNodeIds: (from, count) =>
      from === null || count === 0
        ? []
        : Array.from(koffi.decode(from, 'uint32_t', count) as ArrayLike<number>),
    poll: (fd, callback) => poll(koffi, fd, callback),
    types,
  };
}

function register(koffi: Koffi, types: QuorumLibrary['types'], callbacks: NativeCallbacks) {
  const pointer = (type: TypeObject | undefined, callback: (...args: never[]) => void) =>
    koffi.register(callback, koffi.pointer(type ?? 'void')) as NativeCallback;
  const quorumNotify = pointer(types['quorum_notification_fn_t'], callbacks.quorumNotify);
  const nodelistNotify = pointer(types['nodelist_notification_fn_t'], callbacks.nodelistNotify);
  return {
    quorumNotify,
    nodelistNotify,
    release() {
      for (const callback of [quorumNotify, nodelistNotify]) koffi.unregister(callback);
    },
  };
}

function poll(koffi: Koffi, fd: number, callback: () => void): NativePoll {
  // The real arguments are (status, events), unlike the declaration; none is needed: whatever
  // happened, quorum_dispatch says it.
  const handle = koffi.node.poll(fd, { readable: true, disconnect: true }, callback);
  return { close: () => handle.close() };
}
