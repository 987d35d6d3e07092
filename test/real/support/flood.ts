import { CpgError, type Group } from '../../../src/cpg/index.js';
import { LoopLag } from './loop-lag.js';

export interface FloodResult {
  readonly delivered: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  /** How long the call of all multicasts held the loop, in ms. */
  readonly callMs: number;
  /** The longest time in which the event loop ran no timer, in ms. */
  readonly lagMsMax: number;
}

/** Multicasts that many messages at once and waits until every one of them has settled. */
export async function flood(
  group: Group, messages: number, bytes: number,
): Promise<FloodResult> {
  const refused: Record<string, number> = {};
  let delivered = 0;
  const lag = new LoopLag();
  const begun = performance.now();
  const payload = new Uint8Array(bytes);
  const settled = Array.from({ length: messages }, async (_, index) => {
    new DataView(payload.buffer).setUint32(0, index);
    try {
      await group.multicast(payload);
      delivered += 1;
    } catch (thrown) {
      const code = thrown instanceof CpgError ? thrown.code : String(thrown);
      refused[code] = (refused[code] ?? 0) + 1;
    }
  });
  const callMs = performance.now() - begun;
  await Promise.all(settled);
  const lagMsMax = lag.stop();
  return { delivered, refused, elapsedMs: performance.now() - begun, callMs, lagMsMax };
}
