import type koffiModule from 'koffi';
import type { KoffiFunc, LibraryHandle, TypeObject } from 'koffi';
import { messageOf } from '../errors.js';
import { CpgError } from './error.js';
import type {
  CpgLibrary, NativeAddress, NativeAddressEntry, NativeCallback, NativeCallbacks, NativePoll,
} from './library.js';

type Koffi = typeof koffiModule;

/** cpg_dispatch alone keeps 1 MiB on the stack, and callbacks run on top of it. */
export const STACK_BYTES = 4 << 20;
/** What koffi starts with, and enough: accepted when it is too late to ask for more. */
const STACK_BYTES_MIN = 2 << 20;

/**
 * Loads libcpg, once per process; nothing is loaded by importing this file.
 *
 * Rejects with CpgError `LIBRARY_MISSING`, after which a later call tries again.
 * @see cpg_overview(3)
 */
export function loadCpgLibrary(): Promise<CpgLibrary> {
  loading ??= load().catch((thrown: unknown) => {
    loading = null;
    throw thrown;
  });
  return loading;
}

let loading: Promise<CpgLibrary> | null = null;
let declaredTypes: Readonly<Record<string, TypeObject>> | null = null;

async function load(): Promise<CpgLibrary> {
  try {
    const { default: koffi } = await import('koffi');
    growStack(koffi);
    const library = koffi.load('libcpg.so.4');
    const libc = koffi.load('libc.so.6');
    // koffi's type names are global to the process, so a second attempt must not declare again.
    declaredTypes ??= declareTypes(koffi);
    return declare(koffi, library, libc, declaredTypes);
  } catch (cause) {
    const text =
      `libcpg.so.4 cannot be loaded: ${messageOf(cause)}; install the Debian package libcpg4 ` +
      '(and npm packages without --omit=optional, for koffi)';
    throw new CpgError('LIBRARY_MISSING', 'loadCpgLibrary', text, { cause });
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
      throw new Error(`a stack of ${sync} bytes is too small for cpg_dispatch`, { cause });
    }
  }
}

function declareTypes(koffi: Koffi): Record<string, TypeObject> {
  const cpg_address = koffi.struct('holdfast_cpg_address', {
    nodeid: 'uint32_t', pid: 'uint32_t', reason: 'uint32_t',
  });
  const cpg_name = koffi.struct('holdfast_cpg_name', {
    length: 'uint32_t', value: koffi.array('uint8_t', 128),
  });
  const cpg_ring_id = koffi.struct('holdfast_cpg_ring_id', {
    nodeid: 'uint32_t', seq: 'uint64_t',
  });
  const cpg_deliver_fn_t = koffi.proto('holdfast_cpg_deliver_fn_t', 'void', [
    'uint64_t', 'void *', 'uint32_t', 'uint32_t', 'void *', 'size_t',
  ]);
  const cpg_confchg_fn_t = koffi.proto('holdfast_cpg_confchg_fn_t', 'void', [
    'uint64_t', 'void *', 'void *', 'size_t', 'void *', 'size_t', 'void *', 'size_t',
  ]);
  const cpg_totem_confchg_fn_t = koffi.proto('holdfast_cpg_totem_confchg_fn_t', 'void', [
    'uint64_t', cpg_ring_id, 'uint32_t', 'void *',
  ]);
  const cpg_model_v1_data_t = koffi.struct('holdfast_cpg_model_v1_data_t', {
    model: 'int',
    cpg_deliver_fn: koffi.pointer(cpg_deliver_fn_t),
    cpg_confchg_fn: koffi.pointer(cpg_confchg_fn_t),
    cpg_totem_confchg_fn: koffi.pointer(cpg_totem_confchg_fn_t),
    flags: 'unsigned int',
  });
  const iovec = koffi.struct('holdfast_cpg_iovec', { iov_base: 'void *', iov_len: 'size_t' });
  return {
    cpg_address, cpg_name, cpg_ring_id, cpg_deliver_fn_t, cpg_confchg_fn_t,
    cpg_totem_confchg_fn_t, cpg_model_v1_data_t, iovec,
  };
}

function declare(
  koffi: Koffi, library: LibraryHandle, libc: LibraryHandle, types: CpgLibrary['types'],
): CpgLibrary {
  // koffi types every function as any; the interface states what the declaration beside it means.
  const int = (declaration: string) => library.func(`int ${declaration}`);
  const memcpy = libc.func('void *memcpy(void *dest, void *src, size_t n)') as KoffiFunc<
    (dest: Uint8Array, src: NativeAddress, bytes: number) => NativeAddress
  >;
  return {
    cpg_model_initialize: int(
      'cpg_model_initialize(_Out_ uint64_t *handle, int model, ' +
      'holdfast_cpg_model_v1_data_t *model_data, void *context)',
    ),
    cpg_finalize: int('cpg_finalize(uint64_t handle)'),
    cpg_fd_get: int('cpg_fd_get(uint64_t handle, _Out_ int *fd)'),
    cpg_max_atomic_msgsize_get: int(
      'cpg_max_atomic_msgsize_get(uint64_t handle, _Out_ uint32_t *size)',
    ),
    cpg_dispatch: int('cpg_dispatch(uint64_t handle, int dispatch_types)'),
    cpg_join: int('cpg_join(uint64_t handle, const holdfast_cpg_name *group)'),
    cpg_leave: int('cpg_leave(uint64_t handle, const holdfast_cpg_name *group)'),
    cpg_mcast_joined: int(
      'cpg_mcast_joined(uint64_t handle, int guarantee, ' +
      'const holdfast_cpg_iovec *iovec, unsigned int iov_len)',
    ),
    cpg_local_get: int('cpg_local_get(uint64_t handle, _Out_ unsigned int *local_nodeid)'),
    register: (callbacks) => register(koffi, types, callbacks),
    copyBytes(from, bytes) {
      const copy = Buffer.allocUnsafe(bytes);
      if (bytes > 0 && from !== null) memcpy(copy, from, bytes);
      return copy;
    },
    decodeAddresses: (from, count) =>
      from === null || count === 0
        ? []
        : (koffi.decode(from, 'holdfast_cpg_address', count) as NativeAddressEntry[]),
    decodeNodeIds: (from, count) =>
      from === null || count === 0
        ? []
        : Array.from(koffi.decode(from, 'uint32_t', count) as ArrayLike<number>),
    poll: (fd, callback) => poll(koffi, fd, callback),
    types,
  };
}

function register(koffi: Koffi, types: CpgLibrary['types'], callbacks: NativeCallbacks) {
  const pointer = (type: TypeObject | undefined, callback: (...args: never[]) => void) =>
    koffi.register(callback, koffi.pointer(type ?? 'void')) as NativeCallback;
  const deliver = pointer(types['cpg_deliver_fn_t'], callbacks.deliver);
  const confchg = pointer(types['cpg_confchg_fn_t'], callbacks.confchg);
  const totemConfchg = pointer(types['cpg_totem_confchg_fn_t'], callbacks.totemConfchg);
  return {
    deliver,
    confchg,
    totemConfchg,
    release() {
      for (const callback of [deliver, confchg, totemConfchg]) koffi.unregister(callback);
    },
  };
}

function poll(koffi: Koffi, fd: number, callback: () => void): NativePoll {
  const events = { readable: true, disconnect: true };
  // The real arguments are (status, events), unlike the declaration; none is needed: whatever
  // happened, cpg_dispatch says it.
  const handle = koffi.node.poll(fd, events, callback);
  return {
    stop: () => handle.stop(),
    start: () => handle.start(events, callback),
    close: () => handle.close(),
  };
}
