import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { NetnsCluster } from '../netns/cluster.js';

const folder = join(import.meta.dirname, '../../../examples');
let cluster: NetnsCluster | null = null;

test.before(async () => {
  cluster = await NetnsCluster.up({ size: 2 });
});
test.after.always(async () => {
  await cluster?.down();
});

async function run(node: number, example: string, ...args: readonly string[]): Promise<string> {
  if (cluster === null) throw new Error('there is no cluster');
  const script = join(folder, example);
  const { stdout } = await cluster.node(node).exec(process.execPath, [script, ...args]);
  return stdout;
}

test.serial('the example of cmap tells the nodes and the time until a death is noticed', async (t) => {
  const text = await run(1, 'cluster-facts.mjs');
  t.regex(text, /this is node 1/);
  t.regex(text, /node 2 .* at 10\.77\.0\.2/);
  t.regex(text, /noticed after \d+ ms/);
});

test.serial('the example of quorum tells the state', async (t) => {
  const text = await run(2, 'quorum-watch.mjs', '--once');
  t.regex(text, /^nodes 1 2;/m);
  t.regex(text, /^quorate in ring \d+\.\d+$/m);
});

test.serial('the example of a channel gets back what it sent, whole and in order', async (t) => {
  const lines = (await run(1, 'big-messages.mjs', '3000000')).trim().split('\n');
  t.is(lines.length, 4);
  t.regex(lines[0] ?? '', /^1\/\d+ sent 3000000 bytes/);
  for (const line of lines.slice(1)) t.regex(line, /^1\/\d+ sent 7 bytes/);
});

test.serial('two of the chat see each other and the same line', async (t) => {
  if (cluster === null) throw new Error('there is no cluster');
  const chat = (node: number) => {
    const args = [join(folder, 'group-chat.mjs')];
    const child = cluster?.node(node).spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (child === undefined) throw new Error('there is no cluster');
    let text = '';
    child.process.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const saw = async (pattern: RegExp): Promise<void> => {
      for (let waited = 0; !pattern.test(text); waited += 1) {
        if (waited === 200) throw new Error(`never saw ${pattern}: ${text}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    return { child, saw };
  };
  const [one, two] = [chat(1), chat(2)];
  try {
    const both = /members: \d\/\d+ \d\/\d+/;
    await Promise.all([one.saw(both), two.saw(both)]);
    two.child.process.stdin?.write('hello\n');
    await Promise.all([one.saw(/^2\/\d+: hello$/m), two.saw(/^2\/\d+: hello$/m)]);
    two.child.process.stdin?.end();
    await once(two.child.process, 'exit');
    await one.saw(/^- 2\/\d+ \(leave\)$/m);
    t.pass();
  } finally {
    await Promise.all([one.child.end(), two.child.end()]);
  }
});
