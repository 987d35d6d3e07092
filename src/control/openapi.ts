import { z } from 'zod';
import { HTTP_STATUS } from './http-status.js';
import {
  acquireReplySchema, acquireRequestSchema, acquireSetReplySchema, acquireSetRequestSchema,
  convertReplySchema, convertRequestSchema,
  errorReplySchema, eventSchema, explainRequestSchema, explanationSchema, fencingHintSchema,
  fencingReportSchema, handoverOpenRequestSchema, handoverReplySchema, handoverStepRequestSchema,
  lastManifestRequestSchema, lastManifestSchema, locksReplySchema,
  nodesReplySchema, orphansReplySchema, ownLockReplySchema, ownLockRequestSchema,
  releaseOrphanReplySchema, releaseOrphanRequestSchema,
  releaseReplySchema, releaseRequestSchema, statusSchema, stopReplySchema, stopRequestSchema,
  watchEndSchema,
} from './schema.js';

type JsonObject = Readonly<Record<string, unknown>>;

/** The control API in OpenAPI 3.1, made from the very schemas that requests are held to. */
export function describeApi(version: string): JsonObject {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast control API',
      version,
      description: 'HTTP on a unix socket; by default /run/holdfast/control.sock. With ' +
        '`Accept: text/plain` every answer comes as lines `path value` for shell scripts, such as ' +
        '`error.code HELD`; null has no line, control characters become spaces.',
    },
    paths: {
      '/v1/status': get('What this node is, and how far it can vouch for its locks', statusSchema),
      '/v1/nodes': get('Every node that this one knows', nodesReplySchema),
      '/v1/locks': get('Every lock that this node knows, of every node', locksReplySchema),
      '/v1/own-lock': query(
        "One named owner's lock on this node, from memory",
        ownLockRequestSchema, ownLockReplySchema,
      ),
      '/v1/explain': query(
        'Why a resource is or is not to be had, in sentences',
        explainRequestSchema, explanationSchema,
      ),
      '/v1/last-manifest': query(
        'What a node last told of its locks, kept when it is gone: what died with it',
        lastManifestRequestSchema, lastManifestSchema,
      ),
      '/v1/acquire': post('Take a lock', acquireRequestSchema, acquireReplySchema),
      '/v1/acquire-set': post(
        'Take several locks, all or none', acquireSetRequestSchema, acquireSetReplySchema,
      ),
      '/v1/convert': post(
        'Give a held lock another mode, weaker or stronger',
        convertRequestSchema, convertReplySchema,
      ),
      ...handoverPaths(),
      '/v1/release': post('Give a lock back', releaseRequestSchema, releaseReplySchema),
      '/v1/orphans': get('The locks that no list explains', orphansReplySchema),
      '/v1/release-orphan': post(
        'Release one lock of this node that no list explains: its protection ends',
        releaseOrphanRequestSchema, releaseOrphanReplySchema,
      ),
      '/v1/hints/fencing': post(
        'Tell of an attempt to fence a node: dlm_controld is asked at once, nothing else changes',
        fencingReportSchema, fencingHintSchema,
      ),
      '/v1/stop': post('Stop the daemon cleanly', stopRequestSchema, stopReplySchema),
      '/v1/watch': watch(),
      '/v1/openapi.json': get('This document', z.record(z.string(), z.unknown())),
    },
  };
}

function handoverPaths(): JsonObject {
  const step = (summary: string): JsonObject => {
    return post(summary, handoverStepRequestSchema, handoverReplySchema);
  };
  return {
    '/v1/handover/open': post(
      'Offer a lock that is held in EX to its owner on another node',
      handoverOpenRequestSchema, handoverReplySchema,
    ),
    '/v1/handover/join': step('Take part, on the node that it is offered to'),
    '/v1/handover/finish': step(
      'At the source, give it up when the other node has joined; there, wait until it has it alone',
    ),
    '/v1/handover/abort': step('Leave it with the source, which decides'),
  };
}

function get(summary: string, reply: z.ZodType): JsonObject {
  return { get: { summary, responses: responses(json(reply, 'output')) } };
}

function query(summary: string, request: z.ZodType, reply: z.ZodType): JsonObject {
  const { properties } = toJsonSchema(request, 'input');
  const shape = Object.entries(properties ?? {});
  return {
    get: {
      summary,
      parameters: shape.map(([name, schema]: [string, unknown]) => {
        return { name, in: 'query', required: true, schema };
      }),
      responses: responses(json(reply, 'output')),
    },
  };
}

function post(summary: string, request: z.ZodType, reply: z.ZodType): JsonObject {
  return {
    post: {
      summary,
      requestBody: { required: true, content: json(request, 'input') },
      responses: responses(json(reply, 'output')),
    },
  };
}

function watch(): JsonObject {
  return {
    get: {
      summary: 'Every change from now on, as server-sent events',
      description:
        'Each event is named by its type and has it as JSON in `data`. The last event is `end`, ' +
        `with: ${JSON.stringify(toJsonSchema(watchEndSchema, 'output'))}`,
      responses: responses({ 'text/event-stream': { schema: toJsonSchema(eventSchema, 'output') } }),
    },
  };
}

function responses(content: JsonObject): JsonObject {
  const codes = Object.entries(HTTP_STATUS).map(([code, status]) => `${code} ${status}`);
  return {
    200: { description: 'Done', content },
    default: {
      description: `Refused; error.code says why: ${codes.join(', ')}`,
      content: json(errorReplySchema, 'output'),
    },
  };
}

function json(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  return { 'application/json': { schema: toJsonSchema(schema, io) } };
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  return z.toJSONSchema(schema, { io });
}
