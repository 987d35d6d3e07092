import type { KoffiFunc, LibraryHandle, TypeObject } from 'koffi';
import type { CCallback, CInterface, CSignature, CType } from './c-type.js';
import type { Koffi } from './koffi.js';

/** A C function pointer made of a JS function; release it, in a later turn than its last call. */
export type NativeCallback = bigint & { readonly brand: 'NativeCallback' };

type Spec = Parameters<Koffi['out']>[0];
type AnyFunction = (...args: never[]) => unknown;

/**
 * Finds the interface's functions in a loaded library. koffi types every function as any: `Calls`
 * is the caller's word for what the table says. Throws a bare Error when a symbol is missing.
 */
export function declareFunctions<Calls>(
  koffi: Koffi, library: LibraryHandle, functions: CInterface['functions'],
): Calls {
  const declared = Object.entries(functions).map(([name, { returns, params }]) => {
    const result = returns === null ? 'void' : specOf(koffi, returns);
    return [name, library.func(name, result, params.map((type) => specOf(koffi, type)))] as const;
  });
  return Object.fromEntries<KoffiFunc<AnyFunction>>(declared) as Calls;
}

/** koffi's own view of a type of the table; made once, without a name, which would be global. */
export function typeOf(koffi: Koffi, type: CType): TypeObject {
  const known = made.get(type);
  if (known !== undefined) return known;
  const fresh = make(koffi, type);
  made.set(type, fresh);
  return fresh;
}

/**
 * Turns a JS function into a C function pointer of that type. It must not throw: koffi would skip
 * every later callback of the same native call. Undo with `koffi.unregister`.
 */
export function registerCallback(
  koffi: Koffi, type: CCallback, callback: (...args: never[]) => void,
): NativeCallback {
  return koffi.register(callback, typeOf(koffi, type)) as NativeCallback;
}

/** koffi's view of a function itself, not of a pointer to it; to be called once for each. */
export function protoOf(koffi: Koffi, { returns, params }: CSignature): TypeObject {
  return koffi.proto(
    returns === null ? 'void' : typeOf(koffi, returns),
    params.map((type) => typeOf(koffi, type)),
  );
}

const made = new WeakMap<CType, TypeObject>();

function make(koffi: Koffi, type: CType): TypeObject {
  switch (type.kind) {
    case 'scalar':
      return koffi.type(type.koffi);
    case 'array':
      return koffi.array(typeOf(koffi, type.element), type.length, 'Typed');
    case 'struct': {
      const fields = Object.entries(type.fields).map(
        ([name, field]) => [name, typeOf(koffi, field)] as const,
      );
      return koffi.struct(Object.fromEntries(fields));
    }
    case 'pointer':
      if (type.to === 'text') return koffi.type('str');
      if (type.to === 'token') return koffi.type('uintptr_t');
      return koffi.pointer(type.to === null ? 'void' : typeOf(koffi, type.to));
    case 'callback':
      return koffi.pointer(protoOf(koffi, type));
  }
}

/** As a parameter: with the direction, which is no part of a koffi type. */
function specOf(koffi: Koffi, type: CType): Spec {
  const spec = typeOf(koffi, type);
  if (type.kind !== 'pointer' || type.way === 'in') return spec;
  return type.way === 'out' ? koffi.out(spec) : koffi.inout(spec);
}
