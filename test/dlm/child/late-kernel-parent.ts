/** A daemon that takes a lock, tells its child's pid, and waits to be killed. */
import { fileURLToPath } from 'node:url';
import { ChildLink } from '../../../src/dlm/child-link.js';

const child = fileURLToPath(new URL('./late-kernel-child.js', import.meta.url));
const link = new ChildLink({
  command: [process.execPath, child, process.argv[2] as string],
  onReply: (reply) => {
    if (!('op' in reply) || reply.op !== 1) return;
    link.send({
      kind: 'take', op: 2, id: 7, resource: 'disk', mode: 'EX', wait: true, persistent: true, flags: 0,
    });
    process.stdout.write(`${link.pid}\n`);
  },
  onLog: (message) => void process.stderr.write(`${message}\n`),
  onEnd: () => process.exit(1),
});
link.send({ kind: 'open', op: 1, lockspace: 'ls', flags: 0, exclusive: false });
