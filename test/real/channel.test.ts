import anyTest, { type TestFn } from 'ava';
import { channelCases, type ChannelFixture, type ChannelMember } from '../conformance/channel.js';
import { registerConformance } from '../conformance/conformance-case.js';
import { NetnsCluster } from '../netns/cluster.js';
import { RemoteChannel } from './support/remote-channel.js';

// One case after the other: each one has three corosyncs, which a busy machine serves late.
const test = anyTest.serial as unknown as TestFn;

/** A busy machine delays tokens; a false alarm would be a fault that no case asked for. */
const TOKEN_MS = 1_000;
let names = 0;
let shared: Promise<NetnsCluster> | null = null;

anyTest.after.always(async () => {
  await (await shared)?.down();
});

function channelFixture(cluster: NetnsCluster): ChannelFixture {
  const channels = new Map<ChannelMember, RemoteChannel>();
  const start = (node: number): RemoteChannel => {
    const channel = new RemoteChannel(cluster.node(node + 1));
    channels.set(channel, channel);
    return channel;
  };
  return {
    async open(node, chunkBytesMax) {
      const channel = start(node);
      await channel.open(chunkBytesMax === undefined ? {} : { chunkBytesMax });
      return channel;
    },
    async sendRaw(node, group, payload) {
      await start(node).sendRaw(group, payload);
    },
    async kill(member) {
      await channels.get(member)?.kill();
    },
    killCorosync: (node) => cluster.node(node + 1).kill(),
    async startCorosync(node) {
      cluster.node(node + 1).start();
      await cluster.ready();
    },
    freshName() {
      names += 1;
      return `channel-${names}`;
    },
    async close() {
      await Promise.all([...channels.values()].map((channel) => channel.kill()));
    },
  };
}

registerConformance(test, {
  side: 'corosync, channel',
  cases: channelCases,
  capabilities: ['restart'],
  async createFixture() {
    shared ??= NetnsCluster.up({ tokenMs: TOKEN_MS });
    return channelFixture(await shared);
  },
});
