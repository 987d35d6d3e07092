import type { IncomingMessage } from 'node:http';
import { EVENT_BYTES_MAX } from './limits.js';

/** One server-sent event. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** An event was longer than any of ours. */
export class EventTooLong extends Error {}

/**
 * Cuts a stream of bytes into server-sent events; comments are skipped.
 *
 * Understands what our server sends: `\n` at line ends, and the fields `event` and `data`.
 *
 * @throws {EventTooLong} and whatever the stream throws
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* readEvents(response: IncomingMessage): AsyncGenerator<StreamEvent> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response as AsyncIterable<string>) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > EVENT_BYTES_MAX) {
      throw new EventTooLong(`an event is longer than ${EVENT_BYTES_MAX} characters`);
    }
    for (const block of blocks) {
      const event = parseBlock(block);
      if (event !== null) {
        yield event;
      }
    }
  }
}

function parseBlock(block: string): StreamEvent | null {
  let name = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [field = '', ...words] = line.split(':');
    const value = words.join(':').replace(/^ /, '');
    if (field === 'event') {
      name = value;
    } else if (field === 'data') {
      data.push(value);
    }
  }
  return data.length === 0 ? null : { name, data: data.join('\n') };
}
