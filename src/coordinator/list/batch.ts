import type { Append } from './append-queue.js';
import { ListError } from './error.js';
import type { ListTable, Undo } from './table.js';

/** What one write says: the appends that fit the list. */
export interface Batch {
  readonly accepted: readonly Append[];
  readonly lines: readonly string[];
  /** True when it holds what somebody waits to see synced. */
  readonly durable: boolean;
  /** Takes it out of the table again. */
  readonly undo: Undo;
}

/** Applies these appends to the table; those that contradict it are rejected with BAD_RECORD. */
export function applyBatch(table: ListTable, appends: readonly Append[], path: string): Batch {
  const undos: Undo[] = [];
  const accepted = appends.filter((append) => applyAppend(table, append, undos, path));
  return {
    accepted,
    lines: accepted.flatMap((append) => append.lines),
    durable: accepted.some(({ records }) => records.some(({ kind }) => kind === 'generations')),
    undo: () => undoAll(undos),
  };
}

/** Applies all records of an append, or none and rejects it. */
function applyAppend(table: ListTable, append: Append, undos: Undo[], path: string): boolean {
  const own: Undo[] = [];
  for (const [index, record] of append.records.entries()) {
    const undo = table.apply(record, append.lines[index] ?? '');
    if (undo === null) {
      undoAll(own);
      const text = `a record "${record.kind}" contradicts the lock list ${path}`;
      append.reject(new ListError('BAD_RECORD', text));
      return false;
    }
    own.push(undo);
  }
  undos.push(...own);
  return true;
}

function undoAll(undos: Undo[]): void {
  for (const undo of undos.reverse()) undo();
}
