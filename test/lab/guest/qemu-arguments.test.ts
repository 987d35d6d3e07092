import test from 'ava';

import { qemuArguments } from './qemu-arguments.js';

const argumentsOf = (nodeId: number): string[] => qemuArguments({
  nodeId,
  machine: `run-n${nodeId}`,
  image: { kernel: '/image/vmlinuz', initrd: '/image/initrd.img' },
  overlay: '/scratch/n.qcow2',
  accelerator: 'tcg',
  memoryMiB: 512,
  clusterNetwork: '230.77.1.2:21000',
  sshPort: 2201,
  fencePort: 4401,
  monitorPath: '/scratch/n.monitor',
  serialPath: '/scratch/n.log',
});

test('every listener and the network among the guests stay on the loopback', (t) => {
  const args = argumentsOf(1);
  t.deepEqual(args.filter((word) => /hostfwd|tcp:/.test(word)), [
    'user,id=control0,hostfwd=tcp:127.0.0.1:2201-:22',
    'tcp:127.0.0.1:4401,server=on,wait=off,ipv4=on',
  ]);
  t.true(args.includes('socket,id=cluster0,mcast=230.77.1.2:21000,localaddr=127.0.0.1'));
});

test('guests differ in their node id and in the addresses of their cards', (t) => {
  const cards = [1, 2, 3].flatMap((nodeId) =>
    argumentsOf(nodeId).flatMap((word) => /mac=(\S+?),/.exec(word)?.[1] ?? []));
  t.is(new Set(cards).size, 6);
  t.true(argumentsOf(2).some((word) => word.endsWith(' holdfast.node=2')));
});
