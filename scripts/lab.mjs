// Three guests to work with by hand: npm run lab -- up | image | ssh N | exec N COMMAND | deploy | down
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const program = join(import.meta.dirname, '../build/test/lab/command-line.js');
if (!existsSync(program)) {
  console.error('build/test/lab is missing; build the project first: npm run build');
  process.exit(1);
}
const { main } = await import(pathToFileURL(program).href);
// Ends what an interrupted command has left under way, too.
process.exit(await main(process.argv.slice(2)));
