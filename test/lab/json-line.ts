/**
 * One value a line between the test and a program in a guest: JSON, with bytes as
 * `{ base64: … }` and without what JSON cannot say.
 */
export function encodeLine(value: unknown): string {
  return `${JSON.stringify(value, (_key, item: unknown) =>
    item instanceof Uint8Array ? { base64: Buffer.from(item).toString('base64') } : item)}\n`;
}

/** The value of a line by `encodeLine`. Throws SyntaxError for anything else. */
export function decodeLine(line: string): unknown {
  return JSON.parse(line, (_key, item: unknown) => {
    const bytes = typeof item === 'object' && item !== null && 'base64' in item
      && typeof item.base64 === 'string';
    return bytes ? new Uint8Array(Buffer.from(item.base64 as string, 'base64')) : item;
  });
}
