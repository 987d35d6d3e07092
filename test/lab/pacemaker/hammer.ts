import type { PacemakerNode } from './scene.js';
import { RESOURCE } from './scene.js';

const SOCKET = '/run/holdfast/control.sock';
const LOG = '/var/tmp/hammer.log';
const MODES = ['EX', 'PW', 'PR'];

/** A third who asks for the lock all the time, in the guest itself, and notes every answer. */
export class Hammer {
  readonly #node: PacemakerNode;
  readonly #unit: string;

  private constructor(node: PacemakerNode, unit: string) {
    this.#node = node;
    this.#unit = unit;
  }

  static async start(node: PacemakerNode, count: number): Promise<Hammer> {
    const unit = `hammer-${count}`;
    const bodies = MODES.map((mode) => JSON.stringify({
      resource: RESOURCE, owner: { kind: 'named', name: `intruder-${mode}` }, mode, waitMs: 0,
    }));
    const ask = bodies.map((body) => `curl --silent --max-time 20 --unix-socket ${SOCKET} ` +
      `--header 'content-type: application/json' --data '${body}' --output /dev/null ` +
      `--write-out '%{http_code}\\n' http://localhost/v1/acquire`);
    const script = `while :; do ${ask.join('; ')}; sleep 0.3; done >>${LOG}`;
    await node.guest.exec(`rm -f ${LOG}`);
    await node.guest.start(unit, ['/bin/sh', '-c', script]);
    return new Hammer(node, unit);
  }

  /** Ends it; how often it was answered, and which answers were a grant. */
  async stop(): Promise<{ readonly asked: number; readonly granted: number }> {
    const { guest } = this.#node;
    await guest.exec(`systemctl stop ${this.#unit}`);
    const answers = (await guest.exec(`cat ${LOG}`)).stdout.trim().split('\n');
    return {
      asked: answers.length, granted: answers.filter((status) => status === '200').length,
    };
  }
}
