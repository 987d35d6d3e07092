// A daemon for the benches: a coordinator with its list and the child over the stub, and the
// control API. `node bench/list/daemon.mjs DIRECTORY`, which gets `control.sock` and the list.
import { join } from 'node:path';

import { startControlServer } from '../../build/src/control/index.js';
import { QUIET_LOG, startNode } from './node.mjs';

const [directory] = process.argv.slice(2);
const service = await startNode({ directory });
const log = { ...QUIET_LOG, debug: () => undefined, log: () => undefined };
await startControlServer({ service, socketPath: join(directory, 'control.sock'), log });
console.log('{"ready":true}');
