import test from 'ava';
import { systemClock } from '../../../src/clock.js';
import { openChannel } from '../../../src/cpg/index.js';
import { createCluster, type EmbeddedProcess } from '../../../src/embedded/index.js';
import { channelCases, type ChannelFixture } from '../../conformance/channel.js';
import { registerConformance } from '../../conformance/conformance-case.js';
import { LocalChannel } from '../../conformance/local-channel.js';

const NODE_IDS = [1, 2, 3];

function createChannels(): Promise<ChannelFixture> {
  const cluster = createCluster({
    nodes: NODE_IDS.map((id) => ({ id, name: `node${id}` })),
    clock: systemClock,
    timings: { detectionMs: 60, ringMs: 20 },
  });
  const processes = new Map<object, EmbeddedProcess>();
  let names = 0;
  return Promise.resolve({
    open(node, chunkBytesMax) {
      const process = cluster.node(node + 1).startProcess();
      const { openGroup, clock } = process;
      const limits = chunkBytesMax === undefined ? {} : { chunkBytesMax };
      const member = new LocalChannel(openChannel({ openGroup, clock, ...limits }));
      processes.set(member, process);
      return Promise.resolve(member);
    },
    async sendRaw(node, name, payload) {
      const group = await cluster.node(node + 1).startProcess().openGroup();
      await group.join(name);
      await group.multicast(payload);
      await group.close();
    },
    kill(member) {
      processes.get(member)?.kill();
      return Promise.resolve();
    },
    killCorosync(node) {
      cluster.killCorosync(node + 1);
      return Promise.resolve();
    },
    startCorosync(node) {
      cluster.startCorosync(node + 1);
      return Promise.resolve();
    },
    freshName() {
      names += 1;
      return `channel-${names}`;
    },
    close() {
      for (const id of NODE_IDS) cluster.powerOff(id);
      return Promise.resolve();
    },
  });
}

registerConformance(test, {
  side: 'embedded, channel',
  cases: channelCases,
  capabilities: ['restart'],
  createFixture: createChannels,
});
