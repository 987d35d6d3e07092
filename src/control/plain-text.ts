/** How deep values are looked into; the API's own answers are flatter. */
const DEPTH_MAX = 16;

/**
 * An answer for shell scripts: one line for each plain value, its path, a space, the value, such as
 * `standing.kind ok` or `locks.0.resource vm-17`. `while read -r path value` takes it apart;
 * nothing is quoted or escaped, and control characters become spaces, so that a line is always one
 * value. What is null, and lists without entries, have no line.
 */
export function renderPlainText(value: unknown): string {
  const lines: string[] = [];
  addLines(value, '', DEPTH_MAX, lines);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** Whether the caller asks for that form; everybody else gets JSON. */
export function wantsPlainText(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  return accept.split(',').some((part) => part.split(';')[0]?.trim() === 'text/plain');
}

function addLines(value: unknown, path: string, depth: number, lines: string[]): void {
  if (value === null || value === undefined) return;
  if (typeof value === 'object') {
    if (depth === 0) return;
    for (const [key, inner] of Object.entries(value)) {
      addLines(inner, path === '' ? key : `${path}.${key}`, depth - 1, lines);
    }
    return;
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  lines.push(`${path} ${text.replaceAll(CONTROL, ' ')}`);
}

const CONTROL = /\p{Cc}/gu;
