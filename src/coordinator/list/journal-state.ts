import type { Clock } from '../../clock.js';
import type { DiskClaim, DiskFile } from './disk.js';
import type { ListError } from './error.js';
import type { ListLog } from './port.js';
import type { Rewriter } from './rewrite.js';
import type { ListTable } from './table.js';

/** What the journal works on. */
export interface JournalParts {
  readonly path: string;
  readonly table: ListTable;
  readonly rewriter: Rewriter;
  readonly claim: DiskClaim;
  readonly clock: Clock;
  readonly log: ListLog;
  readonly deadLinesMax: number;
}

/** How the file stands. `broken`: the file may not be added to, only be replaced by a rewrite. */
export type JournalState =
  | {
      readonly kind: 'open';
      readonly file: DiskFile;
      size: number;
      lines: number;
      /** The last write found the disk full; it was cut off again, so the file is whole. */
      full: ListError | null;
    }
  | { readonly kind: 'broken'; readonly error: ListError; readonly file: DiskFile | null }
  | { readonly kind: 'closed' };
