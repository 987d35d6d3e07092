import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/**
 * Ports of the loopback that are free now. All are held open until all are known, so they differ;
 * somebody else may still take one before it is used, so whoever uses them has to try again then.
 */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (let index = 0; index < count; index++) servers.push(await listen());
    return servers.map(portOf);
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/**
 * A multicast group and port nobody else is likely to have: 2 of the group's bytes and the port
 * are random, and QEMU takes in only what was sent to its very group and port.
 */
export function randomClusterNetwork(): string {
  const bytes = randomBytes(4);
  return `230.77.${bytes.readUInt8(0)}.${bytes.readUInt8(1)}:${20_000 + bytes.readUInt16BE(2) % 10_000}`;
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP server');
  return address.port;
}
