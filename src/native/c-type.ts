/**
 * The words in which each binding writes down the C interface that it uses, once: koffi's
 * declarations are made from it (declare.ts), and so is the C program that checks them against
 * the installed headers (test/real/support/header-proof.ts). `c` is the type as the header
 * writes it. To use one more function, struct or constant, add it to the binding's interface.ts
 * or constants.ts, and its type to library.ts: nothing else has to be told.
 */
export type CType = CScalar | CArray | CStruct | CPointer | CCallback;

export interface CScalar {
  readonly kind: 'scalar';
  readonly c: string;
  /** koffi's name of a type of the same size and sign. */
  readonly koffi: string;
  /** C leaves the sign to the compiler: an enumeration, and `char`. */
  readonly anySign: boolean;
}

export interface CArray {
  readonly kind: 'array';
  readonly element: CScalar;
  readonly length: number;
}

export interface CStruct {
  readonly kind: 'struct';
  readonly c: string;
  /** In C's order, and all of them. */
  readonly fields: Readonly<Record<string, CType>>;
}

export interface CPointer {
  readonly kind: 'pointer';
  readonly c: string;
  /**
   * What koffi reads or writes there; null to pass an address or a buffer as it is. `text` is a
   * string that ends with a zero: koffi stops reading a JS string at its first U+0000. `token` is
   * a whole number: the caller's own, which C hands back, or an address.
   */
  readonly to: CType | 'text' | 'token' | null;
  readonly way: 'in' | 'out' | 'inout';
}

/** A typedef of a function pointer. */
export interface CCallback extends CSignature {
  readonly kind: 'callback';
  readonly c: string;
}

export interface CSignature {
  readonly returns: CScalar | CPointer | null;
  readonly params: readonly CType[];
}

/** One library: its header's functions that we call, and the structs that they take. */
export interface CInterface {
  /** As in #include. */
  readonly header: string;
  readonly functions: Readonly<Record<string, CSignature>>;
  /** Every struct and typedef of a callback, also those that only pointers lead to. */
  readonly types: readonly (CStruct | CCallback)[];
  /** By their C names, or by constant expressions of C such as `sizeof(T)`. */
  readonly constants: Readonly<Record<string, number>>;
}

export function scalar(c: string, koffi = c): CScalar {
  return { kind: 'scalar', c, koffi, anySign: c === 'char' };
}

export function enumeration(c: string): CScalar {
  return { kind: 'scalar', c, koffi: 'int', anySign: true };
}

export function array(element: CScalar, length: number): CArray {
  return { kind: 'array', element, length };
}

export function struct(c: string, fields: CStruct['fields']): CStruct {
  return { kind: 'struct', c, fields };
}

/** An address that C code is given or gives as it is, written in C as `c`. */
export function address(c: string): CPointer {
  return { kind: 'pointer', c, to: null, way: 'in' };
}

/** A string that C reads, or that a callback is given. */
export function text(): CPointer {
  return { kind: 'pointer', c: 'const char *', to: 'text', way: 'in' };
}

/** A number in the place of a pointer: the caller's own data, or an address as a number. */
export function token(c = 'void *'): CPointer {
  return { kind: 'pointer', c, to: 'token', way: 'in' };
}

/** A pointer through which C reads a value; `c` where the header says more than `const T *`. */
export function input(to: CScalar | CStruct, c = `const ${to.c} *`): CPointer {
  return { kind: 'pointer', c, to, way: 'in' };
}

/** A pointer through which C writes a value: in JS an array of one. */
export function output(to: CScalar | CStruct, c = `${to.c} *`): CPointer {
  return { kind: 'pointer', c, to, way: 'out' };
}

/** A pointer through which C reads and then writes a value: in JS an array of one. */
export function exchange(to: CScalar | CStruct, c = `${to.c} *`): CPointer {
  return { kind: 'pointer', c, to, way: 'inout' };
}

export function callback(c: string, params: readonly CType[]): CCallback {
  return { kind: 'callback', c, returns: null, params };
}

export function signature(
  returns: CSignature['returns'], ...params: readonly CType[]
): CSignature {
  return { returns, params };
}
