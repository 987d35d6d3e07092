import { LabError } from '../host/error.js';

const LINE_BYTES_MAX = 1024 * 1024;

/** A line of the QEMU Machine Protocol: the greeting, an answer or an event. */
export type QmpMessage =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'return'; readonly id: number | null; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number | null; readonly text: string }
  | { readonly kind: 'event'; readonly name: string };

/** Cuts a stream of bytes into messages; a line may come in any number of pieces. */
export class QmpDecoder {
  #rest = '';

  /** The messages that this piece completes. A line beyond 1 MiB is a `LabError`. */
  push(text: string): QmpMessage[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > LINE_BYTES_MAX) {
      throw new LabError('PROTOCOL', `QEMU's monitor sent a line beyond ${LINE_BYTES_MAX} bytes`);
    }
    return lines.filter((line) => line.trim() !== '').map(decodeQmp);
  }
}

/** One command as a line. */
export function encodeQmp(id: number, command: string, args: Record<string, unknown>): string {
  const message = Object.keys(args).length === 0 ? {} : { arguments: args };
  return `${JSON.stringify({ execute: command, id, ...message })}\n`;
}

/** One line as a message; what is none of the four kinds is a `LabError` of code `PROTOCOL`. */
export function decodeQmp(line: string): QmpMessage {
  const value = parse(line);
  const id = typeof value['id'] === 'number' ? value['id'] : null;
  if ('QMP' in value) return { kind: 'greeting' };
  if ('return' in value) return { kind: 'return', id, value: value['return'] };
  if ('error' in value) return { kind: 'error', id, text: describeError(value['error']) };
  if (typeof value['event'] === 'string') return { kind: 'event', name: value['event'] };
  throw new LabError('PROTOCOL', `QEMU's monitor sent something unknown: ${line}`);
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new LabError('PROTOCOL', `QEMU's monitor sent no JSON: ${line}`, cause);
  }
  throw new LabError('PROTOCOL', `QEMU's monitor sent no object: ${line}`);
}

function describeError(value: unknown): string {
  const described = value as { readonly class?: unknown; readonly desc?: unknown } | null;
  return typeof described?.desc === 'string' ? described.desc : JSON.stringify(value);
}
