/** A text from elsewhere, such that it cannot steer a terminal: control characters as `\xNN`. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`);
}

/** The same for a text of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** `3 minutes ago (2026-01-02 03:04:05Z)`; the text itself when it is no time. */
export function describeTime(iso: string, now: number): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) {
    return printable(iso);
  }
  const absolute = new Date(at).toISOString().replace('T', ' ').replace(/\.\d+Z$/, 'Z');
  return `${describeAge(now - at)} (${absolute})`;
}

const UNITS = [
  { name: 'day', seconds: 86_400 },
  { name: 'hour', seconds: 3_600 },
  { name: 'minute', seconds: 60 },
  { name: 'second', seconds: 1 },
] as const;

/** Clocks of nodes differ, so a time slightly ahead is `just now`; far ahead it is said. */
function describeAge(ageMs: number): string {
  const seconds = Math.trunc(ageMs / 1000);
  const unit = UNITS.find((candidate) => Math.abs(seconds) >= candidate.seconds);
  if (unit === undefined) {
    return 'just now';
  }
  const count = Math.trunc(Math.abs(seconds) / unit.seconds);
  const amount = `${count} ${unit.name}${count === 1 ? '' : 's'}`;
  return seconds > 0 ? `${amount} ago` : `${amount} ahead of this clock`;
}
