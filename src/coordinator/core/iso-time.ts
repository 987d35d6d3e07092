/** What Date can say; another node's clock, or a garbled message, may claim a later time. */
const WALL_MS_MAX = 8.64e15;

/** Wall-clock ms since the epoch as ISO 8601 in UTC, for people and the API. Never throws. */
export function isoTime(wallMs: number): string {
  if (wallMs !== last.wallMs) {
    const saneMs = Number.isNaN(wallMs) ? 0 : wallMs;
    const text = new Date(Math.min(Math.max(saneMs, -WALL_MS_MAX), WALL_MS_MAX)).toISOString();
    last = { wallMs, text };
  }
  return last.text;
}

/** One step says the same instant several times. */
let last = { wallMs: 0, text: '1970-01-01T00:00:00.000Z' };
