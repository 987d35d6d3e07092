import type { CpgError, Group } from '../../../src/cpg/index.js';
import type { Quorum } from '../../../src/quorum/index.js';
import { waitUntil } from '../../lab/host/wait.js';

/** Everything a group or a quorum connection said, one line per event, in order. */
export class Record {
  readonly lines: string[] = [];
  /** Payloads only, as text. */
  readonly texts: string[] = [];
  /** When each line came, in ms of the monotonic clock. */
  readonly atMs: number[] = [];

  static ofGroup(group: Group): Record {
    const record = new Record();
    group.on('message', (from, payload) => {
      const text = Buffer.from(payload).toString();
      record.texts.push(`${from.nodeId}: ${text}`);
      record.#add(`message ${from.nodeId} ${text.slice(0, 40)}`);
    });
    group.on('view', ({ members, left, joined }) => {
      const ids = members.map(({ nodeId }) => nodeId).sort((a, b) => a - b);
      const changes = (list: typeof left): string =>
        list.map(({ nodeId, reason }) => `${nodeId} ${reason}`).sort().join(', ');
      record.#add(`view [${ids.join(' ')}] left [${changes(left)}] joined [${changes(joined)}]`);
    });
    group.on('ring', (_ring, nodeIds) => record.#add(`ring [${sorted(nodeIds)}]`));
    group.on('lost', (cause: CpgError) => record.#add(`lost ${cause.code}`));
    return record;
  }

  static ofQuorum(quorum: Quorum): Record {
    const record = new Record();
    quorum.on('quorum', ({ quorate, nodeIds }) =>
      record.#add(`${quorate ? 'quorate' : 'inquorate'} [${sorted(nodeIds)}]`));
    quorum.on('nodelist', ({ members, joined, left }) =>
      record.#add(
        `nodelist [${sorted(members)}] left [${sorted(left)}] joined [${sorted(joined)}]`,
      ));
    quorum.on('lost', (cause) => record.#add(`lost ${cause.code}`));
    return record;
  }

  /** The lines since the `from`th. */
  since(from: number): readonly string[] {
    return this.lines.slice(from);
  }

  /** Waits for a line equal to `line` among those since the `from`th; gives its time. */
  async waitFor(line: string, from = 0, timeoutMs = 15_000): Promise<number> {
    const index = await waitUntil(
      () => {
        const found = this.lines.indexOf(line, from);
        return found < 0 ? null : found + 1;
      },
      {
        what: `the event "${line}"`,
        timeoutMs,
        intervalMs: 5,
        explain: () => `got:\n${this.since(from).join('\n')}`,
      },
    );
    return this.atMs[index - 1] ?? 0;
  }

  #add(line: string): void {
    this.lines.push(line);
    this.atMs.push(performance.now());
  }
}

function sorted(nodeIds: readonly number[]): string {
  return [...nodeIds].sort((a, b) => a - b).join(' ');
}
