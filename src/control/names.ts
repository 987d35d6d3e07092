import { z } from 'zod';
import { HINT_BYTES_MAX, OWNER_NAME_BYTES_MAX, REASON_BYTES_MAX, RESOURCE_BYTES_MAX } from './limits.js';

/** Control characters, and halves of surrogate pairs: the latter have no UTF-8. */
const FORBIDDEN = /[\p{Cc}\p{Cs}]/u;

/** A resource's clear name. The coordinator has the last word on it. */
export const resourceName = name('a resource name', RESOURCE_BYTES_MAX);
export const ownerName = name('an owner name', OWNER_NAME_BYTES_MAX);
/** Why something is done by hand. */
export const reasonText = name('a reason', REASON_BYTES_MAX);

/** A node or an operation in the words of another program. */
export const hintWord = name('a word of a hint', HINT_BYTES_MAX);

function name(what: string, bytesMax: number) {
  const rule = `${what} has 1 to ${bytesMax} bytes of UTF-8 and no control characters`;
  return z
    .string()
    .refine((text) => isName(text, bytesMax), { error: (issue) => explain(issue.input, rule) })
    .meta({ description: rule, minLength: 1, maxLength: bytesMax });
}

function isName(text: string, bytesMax: number): boolean {
  const bytes = Buffer.byteLength(text);
  return bytes >= 1 && bytes <= bytesMax && !FORBIDDEN.test(text);
}

function explain(input: unknown, rule: string): string {
  const text = String(input);
  if (FORBIDDEN.test(text)) {
    return `it contains a control character; ${rule}`;
  }
  return text === '' ? `it is empty; ${rule}` : `it has ${Buffer.byteLength(text)} bytes; ${rule}`;
}
