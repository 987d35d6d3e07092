import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { messageOf } from '../errors.js';
import { ControlError, RefusedError, type RefusalCode } from './error.js';
import { readText } from './exchange.js';
import { HTTP_STATUS } from './http-status.js';
import { errorReplySchema } from './schema.js';

/**
 * The value that an answer carries, held to its schema.
 *
 * @throws {RefusedError} when the daemon says no
 * @throws {ControlError} BAD_REPLY, CONNECTION_LOST, CANCELED
 */
export async function readReply<S extends z.ZodType>(
  response: IncomingMessage,
  schema: S,
  socketPath: string,
): Promise<z.output<S>> {
  const text = await readText(response, socketPath);
  if (response.statusCode !== 200) {
    throw toRefusedError(parseReply(text, errorReplySchema, socketPath));
  }
  return parseReply(text, schema, socketPath);
}

/** JSON held to a schema. @throws {ControlError} BAD_REPLY */
export function parseReply<S extends z.ZodType>(
  text: string,
  schema: S,
  socketPath: string,
): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badReply(socketPath, messageOf(error), error);
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw badReply(socketPath, `${issue?.path.join('.')}: ${issue?.message}`, result.error);
  }
  return result.data;
}

export function badReply(socketPath: string, reason: string, cause: unknown): ControlError {
  return new ControlError('BAD_REPLY', socketPath,
    `The answer on ${socketPath} is not understood (${reason}). The daemon is probably of ` +
      'another version than this command; compare `holdfast --version` with its log.', { cause });
}

function toRefusedError(reply: z.output<typeof errorReplySchema>): RefusedError {
  const { code, message, retryable, holders, problems } = reply.error;
  return new RefusedError(isKnown(code) ? code : 'UNKNOWN', message, {
    serverCode: code, retryable, holders, problems,
  });
}

function isKnown(code: string): code is RefusalCode {
  return Object.hasOwn(HTTP_STATUS, code);
}
