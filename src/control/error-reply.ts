import type { z } from 'zod';
import { CoordinatorError } from '../coordinator/error.js';
import { messageOf } from '../errors.js';
import type { RefusalCode, RequestProblem } from './error.js';
import { HTTP_STATUS } from './http-status.js';
import type { ControlLog } from './log.js';
import type { ErrorReply } from './schema.js';

/** A request that the server refuses before the coordinator sees it. */
export class BadRequest extends Error {
  readonly problems: readonly RequestProblem[];
  readonly status: number;

  constructor(problems: readonly RequestProblem[], status: number = HTTP_STATUS.BAD_REQUEST) {
    super(`The request is not valid: ${problems.map(describeProblem).join('; ')}.`);
    this.problems = problems;
    this.status = status;
  }
}

export interface ErrorAnswer {
  readonly status: number;
  readonly body: ErrorReply;
}

/** A request's value, held to its schema. @throws {BadRequest} with every field that is wrong */
export function parseRequest<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value ?? {});
  if (result.success) {
    return result.data;
  }
  throw new BadRequest(
    result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
  );
}

/**
 * What a caller is told about a thrown thing. Only errors made on purpose are told in their own
 * words; anything else is logged in full and told as `INTERNAL`.
 */
export function toErrorAnswer(thrown: unknown, log: ControlLog): ErrorAnswer {
  if (thrown instanceof CoordinatorError) {
    const { code, message, retryable, holders } = thrown;
    return answer(code, message, { retryable, holders: [...holders] });
  }
  if (thrown instanceof BadRequest) {
    const { message, problems, status } = thrown;
    return { ...answer('BAD_REQUEST', message, { problems: [...problems] }), status };
  }
  const status = httpStatusOf(thrown);
  if (status !== null) {
    const refused = new BadRequest([{ path: '', message: messageOf(thrown) }], status);
    return toErrorAnswer(refused, log);
  }
  log.error('a request failed for a reason that nobody foresaw; please report this', {
    error: messageOf(thrown),
    stack: thrown instanceof Error ? thrown.stack : undefined,
  });
  return answer('INTERNAL', 'The daemon failed on this request; its log says why.');
}

/** The body and status for one code. */
export function answer(
  code: RefusalCode,
  message: string,
  facts: Partial<Omit<ErrorReply['error'], 'code' | 'message'>> = {},
): ErrorAnswer {
  const error = { code, message, retryable: false, holders: [], problems: [], ...facts };
  return { status: HTTP_STATUS[code], body: { error } };
}

/** Fastify's own refusals (not JSON, too large, wrong type) carry a 4xx status. */
function httpStatusOf(thrown: unknown): number | null {
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) {
    return null;
  }
  const { statusCode } = thrown;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? statusCode
    : null;
}

function describeProblem({ path, message }: RequestProblem): string {
  return path === '' ? message : `${path}: ${message}`;
}
