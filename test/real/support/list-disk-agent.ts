// Runs in a mount namespace of its own, as root: drives a lock list on a small tmpfs through a full
// and a read-only file system, and prints what happened as one line of JSON.
import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { systemClock } from '../../../src/clock.js';
import { checkList, ListError, openLockList } from '../../../src/coordinator/list/index.js';
import { REPAIR_DELAY_MS } from '../../../src/coordinator/list/repair-pace.js';
import { held, intent } from '../../coordinator/list/setting.js';

const APPENDS_MAX = 5_000;
const mountPoint = process.argv[2] ?? '';
const directory = join(mountPoint, 'state');
const file = join(directory, 'locks.jsonl');
const logged: string[] = [];
const note = (text: string) => logged.push(text);

const open = () => openLockList({
  directory, bootId: 'boot-1', lockspace: 'holdfast', clock: systemClock,
  log: { info: note, warn: note, error: note },
});
const codeOf = (promise: Promise<unknown>) => promise.then(
  () => null,
  (thrown: unknown) => thrown instanceof ListError ? thrown.code : String(thrown),
);
const mount = (...options: string[]) => execFileSync('mount', [...options, mountPoint]);

mount('-t', 'tmpfs', '-o', 'size=256k', 'tmpfs');
const { list } = await open();
await list.append([intent(1), held(1)]);

// Full: 256 KiB less what the list has.
const filler = join(mountPoint, 'filler');
const fullAtFiller = await writeFile(filler, Buffer.alloc(1 << 20)).then(() => null, codeName);
let taken = 0;
let fullCode: string | null = null;
for (let id = 2; id < APPENDS_MAX && fullCode === null; id += 1) {
  fullCode = await codeOf(list.append([intent(id)]));
  if (fullCode === null) taken += 1;
}
const onFull = await checkList(file);
// Their record is shorter than an intent, so a few may still fit.
let generationsOnFull: string | null = null;
for (let block = 0; block < APPENDS_MAX && generationsOnFull === null; block += 1) {
  generationsOnFull = await codeOf(list.reserveGenerations(0));
}
await rm(filler);
const afterFull = await codeOf(list.append([held(2)]));

// Read-only: what is open for writing keeps a remount out, so the list is closed first.
await list.close();
mount('-o', 'remount,ro');
const openReadOnly = await codeOf(open());
const checkReadOnly = (await checkList(file)).problemCount;
mount('-o', 'remount,rw');
const again = await open();
const locks = again.found.locks.length;
await again.list.close();

// Full from the start: the list opens with what it says, and writes when there is room.
await writeFile(filler, Buffer.alloc(1 << 20)).catch(codeName);
const late = await open();
const openedFull = { failure: late.list.failure?.code ?? null, locks: late.found.locks.length };
const lateOnFull = await codeOf(late.list.append([intent(9_000)]));
await rm(filler);
// Nothing is appended meanwhile: the list finds the room by itself.
const endMs = Date.now() + 3 * REPAIR_DELAY_MS;
while (late.list.failure !== null && Date.now() < endMs) await setTimeout(50);
const recovered = late.list.failure === null;
const lateAfter = await codeOf(late.list.append([intent(9_000)]));
await late.list.close();

process.stdout.write(`${JSON.stringify({
  fullAtFiller, fullCode, taken, onFull: [onFull.problemCount, onFull.tornAt, onFull.locks.length],
  generationsOnFull, afterFull, openReadOnly, checkReadOnly, locks, openedFull, lateOnFull,
  recovered, lateAfter, problems: (await checkList(file)).problemCount,
})}\n`);

function codeName(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
}
