import type koffiModule from 'koffi';
import type { LibraryHandle } from 'koffi';
import { messageOf } from '../errors.js';

export type Koffi = typeof koffiModule;

/** A dispatch call keeps 1 MiB on the stack, and callbacks run on top of it. */
export const STACK_BYTES = 4 << 20;
/** What koffi starts with, and enough: accepted when it is too late to ask for more. */
const STACK_BYTES_MIN = 2 << 20;

/** Which library, where it comes from, and the binding's own error for its absence. */
export interface LibrarySource {
  /** As the dynamic loader knows it, such as libcpg.so.4. */
  readonly file: string;
  readonly debianPackage: string;
  /** Makes the binding's LIBRARY_MISSING of a finished text. */
  readonly missing: (text: string, cause: unknown) => Error;
}

/**
 * Makes a loader that loads a library once per process; nothing is loaded before its first call.
 * `declare` finds what the binding needs in it. After a failure, which is always `missing`, a
 * later call tries again.
 */
export function libraryLoader<Library>(
  { file, debianPackage, missing }: LibrarySource,
  declare: (koffi: Koffi, library: LibraryHandle) => Library,
): () => Promise<Library> {
  let loading: Promise<Library> | null = null;
  const load = async (): Promise<Library> => {
    try {
      const koffi = await importKoffi();
      return declare(koffi, koffi.load(file));
    } catch (cause) {
      loading = null;
      const text =
        `${file} cannot be loaded: ${messageOf(cause)}; install the Debian package ` +
        `${debianPackage} (and npm packages without --omit=optional, for koffi)`;
      throw missing(text, cause);
    }
  };
  return () => (loading ??= load());
}

/** koffi, with stacks that a dispatch call fits on. */
async function importKoffi(): Promise<Koffi> {
  const { default: koffi } = await import('koffi');
  growStack(koffi);
  return koffi;
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
      throw new Error(`a stack of ${sync} bytes is too small for a dispatch call`, { cause });
    }
  }
}
