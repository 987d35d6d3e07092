/** Wall-clock ms since the epoch as ISO 8601 in UTC, for people and the API. */
export function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
