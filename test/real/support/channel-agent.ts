/** Runs inside a node, beside its corosync, and has one channel there as the test asks. */
import { openChannel, openCpg } from '../../../src/cpg/index.js';
import { LocalChannel } from '../../conformance/local-channel.js';
import { toWire, type Reply, type Request } from './wire.js';

let channel: LocalChannel | null = null;

const CALLS: Readonly<Record<string, (...args: never[]) => Promise<unknown>>> = {
  open(limits: Parameters<typeof openChannel>[0]) {
    channel = new LocalChannel(openChannel(limits), (record) =>
      send({ kind: 'event', name: 'record', args: [record] }));
    return Promise.resolve();
  },
  async join(name: string) {
    await theChannel().join(name);
    return theChannel().self;
  },
  multicast: (text: string) => theChannel().multicast(text),
  multicastPattern: (bytes: number, seed: number) => theChannel().multicastPattern(bytes, seed),
  sendMany: (prefix: string, count: number) => theChannel().sendMany(prefix, count),
  leave: () => theChannel().leave(),
  close: () => theChannel().close(),
  async sendRaw(name: string, payload: Uint8Array) {
    const group = await openCpg();
    await group.join(name);
    await group.multicast(payload);
    await group.close();
  },
};

process.on('message', (message) => void answer(message as Request));
process.on('disconnect', () => process.exit(0));

async function answer({ id, call, args }: Request): Promise<void> {
  try {
    const known = CALLS[call];
    if (known === undefined) throw new Error(`the agent knows no call ${call}`);
    send({ kind: 'done', id, value: await known(...(args as never[])) });
  } catch (thrown) {
    send({ kind: 'failed', id, error: toWire(thrown) });
  }
}

function send(reply: Reply): void {
  process.send?.(reply);
}

function theChannel(): LocalChannel {
  if (channel === null) throw new Error('no channel was opened in this agent');
  return channel;
}
