import type { FastifyInstance } from 'fastify';
import type { CoordinatorService } from '../coordinator/service.js';
import { publishCounters, type ControlCounters } from './counters.js';
import { parseRequest } from './error-reply.js';
import { SET_BODY_BYTES_MAX } from './limits.js';
import { describeApi } from './openapi.js';
import type { PendingRequests } from './pending-requests.js';
import {
  acquireRequestSchema, acquireSetRequestSchema, convertRequestSchema, explainRequestSchema,
  fencingReportSchema, handoverOpenRequestSchema, handoverStepRequestSchema,
  lastManifestRequestSchema, ownLockRequestSchema, releaseOrphanRequestSchema,
  releaseRequestSchema, stopRequestSchema,
} from './schema.js';
import type { Watchers } from './watchers.js';

export interface RouteModules {
  readonly service: CoordinatorService;
  readonly pending: PendingRequests;
  readonly watchers: Watchers;
  readonly counters: ControlCounters;
}

/** The addresses of the control API, one handler each. */
export function addRoutes(app: FastifyInstance, modules: RouteModules): void {
  const { service, pending, watchers, counters } = modules;

  app.get('/v1/status', () => {
    const status = service.status();
    return { ...status, counters: { ...status.counters, ...publishCounters(counters) } };
  });
  app.get('/v1/nodes', () => ({ nodes: service.nodes() }));
  app.get('/v1/locks', () => ({ locks: service.locks() }));
  app.get('/v1/own-lock', (request) => {
    const { resource, owner } = parseRequest(ownLockRequestSchema, request.query);
    return service.ownLock(resource, { kind: 'named', name: owner });
  });
  app.get('/v1/orphans', () => ({ orphans: service.orphans() }));
  app.get('/v1/explain', (request, reply) => {
    const { resource } = parseRequest(explainRequestSchema, request.query);
    return pending.run(reply.raw, () => service.explain(resource));
  });
  app.get('/v1/last-manifest', (request) => {
    const { node } = parseRequest(lastManifestRequestSchema, request.query);
    return service.lastManifest(node);
  });
  app.get('/v1/openapi.json', () => describeApi(service.status().version));

  app.post('/v1/acquire', (request, reply) => {
    const wanted = parseRequest(acquireRequestSchema, request.body);
    return pending.run(reply.raw, (signal) => service.acquire({ signal, ...wanted }));
  });
  app.post('/v1/acquire-set', { bodyLimit: SET_BODY_BYTES_MAX }, (request, reply) => {
    const wanted = parseRequest(acquireSetRequestSchema, request.body);
    return pending.run(reply.raw, (signal) => service.acquireSet({ signal, ...wanted }));
  });
  app.post('/v1/convert', (request, reply) => {
    const wanted = parseRequest(convertRequestSchema, request.body);
    return pending.run(reply.raw, (signal) => service.convert({ ...wanted, signal }));
  });
  addHandoverRoutes(app, modules);
  app.post('/v1/release', (request, reply) => {
    const wanted = parseRequest(releaseRequestSchema, request.body);
    return pending.run(reply.raw, (signal) => service.release({ signal, ...wanted }));
  });
  app.post('/v1/release-orphan', (request, reply) => {
    const wanted = parseRequest(releaseOrphanRequestSchema, request.body);
    return pending.run(reply.raw, (signal) => service.releaseOrphan({ signal, ...wanted }));
  });

  app.post('/v1/stop', (request, reply) => {
    const { locks } = parseRequest(stopRequestSchema, request.body);
    return pending.run(reply.raw, () => service.stop(locks));
  });

  app.post('/v1/hints/fencing', (request, reply) => {
    const report = parseRequest(fencingReportSchema, request.body);
    return pending.run(reply.raw, () => service.hintFencing(report));
  });

  app.get('/v1/watch', (_request, reply) => {
    watchers.assertRoom();
    reply.hijack();
    watchers.add(reply.raw);
  });
}

function addHandoverRoutes(app: FastifyInstance, { service, pending }: RouteModules): void {
  app.post('/v1/handover/open', (request, reply) => {
    const { offerMs, ...wanted } = parseRequest(handoverOpenRequestSchema, request.body);
    return pending.run(reply.raw, (signal) => {
      return service.handover({ action: 'open', ...wanted, waitMs: offerMs, signal });
    });
  });
  for (const action of ['join', 'finish', 'abort'] as const) {
    app.post(`/v1/handover/${action}`, (request, reply) => {
      const wanted = parseRequest(handoverStepRequestSchema, request.body);
      return pending.run(reply.raw, (signal) => {
        return service.handover({ action, ...wanted, to: null, signal });
      });
    });
  }
}
