import koffi, { type KoffiFunc } from 'koffi';

/** @see socket(2), recv(2), fcntl(2) */
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2_000_000;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const O_NONBLOCK = 0o4_000;
export const EINTR = 4;
export const EPIPE = 32;
export const ECONNRESET = 104;

/**
 * The C functions between the daemon and its child, under their C names. Addresses are plain
 * numbers, which cost a fraction of a BigInt; user space on Linux ends far below 2^53.
 *
 * All return -1 on failure, with the reason in `errno()` until the next call of any of them.
 */
export interface LibC {
  readonly recv: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly read: (fd: number, address: number, length: number) => number;
  readonly poll: (address: number, count: number, timeoutMs: number) => number;
  readonly close: (fd: number) => number;
  readonly fcntl: (fd: number, command: number, argument: number) => number;
  /** A connected pair of stream sockets, closed on exec; null with `errno()` set. */
  readonly socketPair: () => readonly [number, number] | null;
  readonly errno: () => number;
}

/** Memory outside the garbage collector: C may keep its address. Never freed. */
export interface NativeMemory {
  readonly address: number;
  readonly bytes: ArrayBuffer;
}

/**
 * Zeroed memory of so many bytes. It lives as long as the process: for what is made once or in
 * slabs, never for a single operation.
 */
export function allocate(length: number): NativeMemory {
  const pointer = koffi.alloc('uint8_t', length) as bigint;
  const bytes = koffi.view(pointer, length);
  new Uint8Array(bytes).fill(0);
  return { address: Number(pointer), bytes };
}

let loaded: LibC | null = null;

/** Loads libc on first use. Throws a bare Error when a symbol is missing. */
export function loadLibC(): LibC {
  loaded ??= declareAll();
  return loaded;
}

function declareAll(): LibC {
  const library = koffi.load('libc.so.6');
  const declare = <F extends (...args: never[]) => unknown>(definition: string): KoffiFunc<F> =>
    library.func(definition) as KoffiFunc<F>;
  const socketpair: KoffiFunc<(a: number, b: number, c: number, fds: Int32Array) => number> =
    declare('int socketpair(int domain, int type, int protocol, void *fds)');
  return {
    recv: declare('long recv(int fd, void *bytes, size_t length, int flags)'),
    send: declare('long send(int fd, const void *bytes, size_t length, int flags)'),
    read: declare('long read(int fd, uintptr_t address, size_t length)'),
    poll: declare('int poll(uintptr_t address, unsigned long count, int timeout)'),
    close: declare('int close(int fd)'),
    // Variadic in C; with one int argument the calling convention is the same on x64 and arm64.
    fcntl: declare('int fcntl(int fd, int command, int argument)'),
    socketPair: () => {
      const fds = new Int32Array(2);
      return socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, fds) === 0
        ? [fds[0] as number, fds[1] as number]
        : null;
    },
    errno: () => koffi.errno(),
  };
}
