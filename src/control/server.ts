import { fastify, type FastifyInstance } from 'fastify';
import { systemClock, type Clock } from '../clock.js';
import type { CoordinatorService } from '../coordinator/service.js';
import { newCounters, type ControlCounters } from './counters.js';
import { answer, toErrorAnswer } from './error-reply.js';
import {
  CONNECTIONS_MAX, FAREWELL_MS_MAX, REQUEST_BODY_BYTES_MAX, REQUEST_HEADER_BYTES_MAX,
  REQUEST_RECEIVE_MS_MAX,
} from './limits.js';
import type { ControlLog } from './log.js';
import { PendingRequests } from './pending-requests.js';
import { renderPlainText, wantsPlainText } from './plain-text.js';
import { addRoutes } from './routes.js';
import { claimSocket } from './socket.js';
import { Watchers } from './watchers.js';

export interface ControlServerOptions {
  readonly service: CoordinatorService;
  readonly socketPath: string;
  readonly log: ControlLog;
  readonly clock?: Clock;
}

export interface ControlServer {
  /**
   * Cancels what waits (callers are told `STOPPING`), dismisses the watchers, hangs up and removes
   * the socket. Stop the service first when its own answers are to be delivered.
   */
  close(): Promise<void>;
}

/**
 * Serves the control API on a unix socket.
 *
 * @throws {ControlError} when the socket's path cannot be had
 */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { service, socketPath, log, clock = systemClock } = options;
  const counters = newCounters();
  const pending = new PendingRequests(counters);
  const watchers = new Watchers({ service, clock, log }, counters);
  const app = createApp(counters, log);
  addRoutes(app, { service, pending, watchers, counters });
  const listen = async (path: string): Promise<void> => {
    await app.listen({ path });
  };
  const socket = await claimSocket(socketPath, listen, log).catch(async (error: unknown) => {
    await app.close();
    throw error;
  });
  return {
    async close() {
      await socket.release();
      await Promise.all([pending.stop(), watchers.dismissAll()]);
      // Answers that are on their way, such as the one to a stop, are let out first.
      const hangUp = clock.setTimer(FAREWELL_MS_MAX, () => app.server.closeAllConnections());
      await app.close();
      hangUp.cancel();
    },
  };
}

function createApp(counters: ControlCounters, log: ControlLog): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: REQUEST_BODY_BYTES_MAX,
    requestTimeout: REQUEST_RECEIVE_MS_MAX,
    forceCloseConnections: 'idle',
    http: { maxHeaderSize: REQUEST_HEADER_BYTES_MAX },
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  app.server.on('drop', () => {
    counters.connectionsDropped += 1;
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (wantsPlainText(request.headers.accept)) {
      reply.type('text/plain; charset=utf-8').serializer(renderPlainText);
    }
    done();
  });
  app.setNotFoundHandler((request, reply) => {
    const { status, body } = answer('NOT_FOUND',
      `There is no ${request.method} ${request.url} here; GET /v1/openapi.json says what there is.`);
    return reply.code(status).send(body);
  });
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = toErrorAnswer(error, log);
    return reply.code(status).send(body);
  });
  return app;
}
