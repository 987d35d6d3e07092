import { readList } from '../../../src/coordinator/list/read.js';
import { applyRecord, type ListedLock, type ListRecord } from '../../../src/coordinator/core/record.js';
import { dropped, held, intent, openOn, PATH, settle } from './setting.js';
import { RecordingDisk } from './recording-disk.js';

const RUNS_MAX = 10_000;
const STEPS = 24;
const releasing = (id: number) => ({ kind: 'releasing', at: id, id, why: 'asked' }) as const;

/** The state in words; two states that read alike are alike. */
const wordsOf = (listed: Iterable<ListedLock>) =>
  [...listed].map(({ lock, state }) => `${lock.id} ${state}`).join();

/** What is true after each number of records. */
class Truth {
  readonly states = [''];
  readonly live = new Map<number, ListedLock>();

  add(records: readonly ListRecord[]): void {
    for (const record of records) {
      const change = applyRecord(this.live, record);
      if (change === null) throw new Error('the test wrote a record that contradicts its list');
      if (change.now === null) this.live.delete(change.id);
      else this.live.set(change.id, change.now);
      this.states.push(wordsOf(this.live.values()));
    }
  }
}

/** The next append of a random life of locks. */
function nextRecords(random: () => number, truth: Truth, next: number): ListRecord[] {
  const old = [...truth.live.values()];
  const pick = old[Math.floor(random() * old.length)];
  if (pick === undefined || random() < 0.4) {
    return random() < 0.3 ? [intent(next), intent(next + 1)] : [intent(next)];
  }
  const { lock: { id }, state } = pick;
  if (state === 'intent') return [held(id)];
  return state === 'held' ? [releasing(id)] : [dropped(id)];
}

/** One life of a list, during which the disk notes what each crash would leave. */
async function live(random: () => number) {
  const disk = new RecordingDisk(random);
  const { list, clock } = await openOn(disk, { deadLinesMax: 6 });
  const truth = new Truth();
  let mark = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const records = nextRecords(random, truth, step * 2 + 1);
    truth.add(records);
    disk.asked = truth.states.length - 1;
    await list.append(records);
    disk.answered = disk.asked;
    if (random() < 0.15) {
      mark = (await list.reserveGenerations(0)).last;
      disk.mark = mark;
      // Everything before it is on disk with it.
      disk.synced = disk.answered;
    }
    if (random() < 0.2) await clock.fire();
    if (random() < 0.5) await settle();
  }
  await list.close();
  return { truth, points: disk.points };
}

/** How many points were tried, and the first at which the list is wrong; null without one. */
export interface ListPoints {
  readonly process: number;
  readonly power: number;
  readonly wrong: string | null;
}

/** Tries so many crash points of a list's file operations, or some more. */
export async function tryListPoints(random: () => number, least: number): Promise<ListPoints> {
  const counts = { process: 0, power: 0 };
  for (let run = 0; run < RUNS_MAX && counts.process + counts.power < least; run += 1) {
    const { truth, points } = await live(random);
    for (const point of points) {
      counts[point.crash] += 1;
      const { table, problems } = readList(point.bytes, PATH);
      const words = wordsOf(table.listed);
      const moments = truth.states.slice(point.least, point.most + 1);
      if (problems.length === 0 && moments.includes(words) && table.mark >= point.mark) continue;
      const wrong = `run ${run}, ${point.crash} crash after ${point.after}: ` +
        `[${words}] mark ${table.mark} (at least ${point.mark}), ` +
        `${problems.join()}, allowed [${moments.join('] [')}]`;
      return { ...counts, wrong };
    }
  }
  return { ...counts, wrong: null };
}
