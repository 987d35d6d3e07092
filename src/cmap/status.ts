import { CS_OK } from '../native/corotypes.js';
import { factsOf } from '../native/status.js';
import { CmapError } from './error.js';

/** Throws the CmapError of a native status unless it is CS_OK. @see corotypes.h, cs_error_t */
export function check(operation: string, status: number, key?: string): void {
  if (status !== CS_OK) throw errorOf(operation, status, key);
}

/** The error of a native status; an unknown number becomes `UNKNOWN` and is kept in `status`. */
export function errorOf(operation: string, status: number, key?: string): CmapError {
  const opening = operation === 'cmap_initialize_map';
  const { code, retryable, text } = factsOf(status, opening);
  const about = key === undefined ? operation : `${operation} ${key}`;
  const said = opening ? text : REASONS[`${operation} ${code}`] ?? REASONS[code] ?? text;
  const facts = { status, retryable, ...(key === undefined ? {} : { key }) };
  return new CmapError(code, operation, `${about}: ${said}`, facts);
}

const READ_ONLY = 'corosync lets nobody change this key; change corosync.conf and reload';

/** What a status means here and not elsewhere. */
const REASONS: Readonly<Record<string, string | undefined>> = {
  'cmap_set ACCESS': READ_ONLY,
  'cmap_delete ACCESS': READ_ONLY,
  'cmap_inc ACCESS': READ_ONLY,
  'cmap_dec ACCESS': READ_ONLY,
  'cmap_inc INVALID_PARAM': 'the value is no whole number',
  'cmap_dec INVALID_PARAM': 'the value is no whole number',
  NOT_EXIST: 'there is no such key',
};
