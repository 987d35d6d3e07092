import koffi from 'koffi';
import {
  address, text, token,
  type CInterface, type CPointer, type CScalar, type CSignature, type CStruct, type CType,
} from '../../../src/native/c-type.js';
import { typeOf } from '../../../src/native/declare.js';

/**
 * Writes a C program that compiles only if the interface is what its header says: constants,
 * sizes, offsets and types of all struct fields, function and callback types. The numbers are
 * those that koffi works with on this machine, so it proves the machine at hand, whichever it is.
 */
export function headerProof(given: CInterface): string {
  return [
    // For struct iovec and mode_t, which the headers take for granted.
    '#include <stddef.h>', '#include <sys/types.h>', '#include <sys/uio.h>',
    `#include <${given.header}>`,
    ...Object.entries(given.constants).map(([name, value]) => claim(`${name} == ${value}`)),
    ...new Set(scalarsOf(given).flatMap(scalarClaims)),
    ...POINTERS.map((type) => claim(`sizeof(${type.c}) == ${typeOf(koffi, type).size}`)),
    ...given.types.flatMap((type) => (type.kind === 'struct'
      ? structClaims(type)
      : [sameType(type.c, `${returnOf(type)} (*)${paramsOf(type)}`)])),
    ...Object.entries(given.functions).map(([name, one]) =>
      sameType(`__typeof__(${name})`, `${returnOf(one)} ${paramsOf(one)}`)),
    'int main(void) { return 0; }',
    '',
  ].join('\n');
}

/** The kinds of pointers that koffi has types of its own for. */
const POINTERS: readonly CPointer[] = [address('void *'), text(), token()];

/** As a compiler's message: what was claimed. */
function claim(expression: string): string {
  return `_Static_assert(${expression}, ${JSON.stringify(expression)});`;
}

function sameType(a: string, b: string): string {
  return claim(`__builtin_types_compatible_p(${a}, ${b})`);
}

function structClaims(type: CStruct): string[] {
  const { size, alignment, members = {} } = typeOf(koffi, type);
  return [
    claim(`sizeof(${type.c}) == ${size}`),
    claim(`_Alignof(${type.c}) == ${alignment}`),
    ...Object.entries(type.fields).flatMap(([name, field]) => {
      const member = members[name];
      if (member === undefined) throw new Error(`koffi lost ${type.c}.${name}`);
      return [
        claim(`offsetof(${type.c}, ${name}) == ${member.offset}`),
        claim(`sizeof(((${type.c} *)0)->${name}) == ${member.type.size}`),
        sameType(`__typeof__(((${type.c} *)0)->${name})`, textOf(field)),
      ];
    }),
  ];
}

function scalarClaims(type: CScalar): string[] {
  const { primitive, size } = typeOf(koffi, type);
  const c = type.c;
  if (primitive.startsWith('Float')) {
    return [claim(`sizeof(${c}) == ${size}`), claim(`(${c})0.5 != (${c})0`)];
  }
  const claims = [claim(`sizeof(${c}) == ${size}`), claim(`(${c})0.5 == (${c})0`)];
  if (type.anySign) return claims;
  return [...claims, claim(`((${c})-1 > (${c})0) == ${primitive.startsWith('U') ? 1 : 0}`)];
}

/** Every scalar that is named anywhere. */
function scalarsOf({ functions, types }: CInterface): CScalar[] {
  const within = (type: CType | null): CScalar[] => {
    switch (type?.kind) {
      case undefined:
        return [];
      case 'scalar':
        return [type];
      case 'array':
        return [type.element];
      case 'pointer':
        return typeof type.to === 'string' ? [] : within(type.to);
      case 'struct':
        return Object.values(type.fields).flatMap(within);
      case 'callback':
        return ofSignature(type);
    }
  };
  const ofSignature = ({ returns, params }: CSignature): CScalar[] =>
    [...within(returns), ...params.flatMap(within)];
  return [...types.flatMap(within), ...Object.values(functions).flatMap(ofSignature)];
}

function textOf(type: CType): string {
  return type.kind === 'array' ? `${type.element.c}[${type.length}]` : type.c;
}

function returnOf({ returns }: CSignature): string {
  return returns === null ? 'void' : returns.c;
}

function paramsOf({ params }: CSignature): string {
  return params.length === 0 ? '(void)' : `(${params.map(textOf).join(', ')})`;
}
