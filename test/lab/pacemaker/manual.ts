import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const MANUAL = join(import.meta.dirname, '../../../../docs/pacemaker.md');

/** What a command of the manual begins with. */
const PROGRAMS = [
  'crm', 'crm_mon', 'dlm_tool', 'holdfast', 'journalctl', 'sh', 'stonith_admin', 'systemctl',
  'systemd-sysusers',
];
const COMMAND = new RegExp(`^(${PROGRAMS.join('|')})[ ;]`);

/** The commands in a text in Markdown, of its code blocks and its spans of code, each once. */
export function commandsIn(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^ {4,}(\S.*)$/gm)].flatMap(([, line = '']) => line.split('# or:'));
  const prose = text.replaceAll(/^ {4,}\S.*$/gm, '');
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
  const all = [...blocks, ...spans].map((words) => words.replaceAll(/\s+/g, ' ').trim());
  return [...new Set(all.filter((words) => COMMAND.test(words)))];
}

/** docs/pacemaker.md as somebody follows it, command by command. */
export class Manual {
  readonly #unfollowed: Set<string>;
  readonly #commands: readonly string[];

  constructor(text = readFileSync(MANUAL, 'utf8')) {
    this.#commands = commandsIn(text);
    this.#unfollowed = new Set(this.#commands);
  }

  /** The manual's command, which has to be there, with the words that stand for others replaced. */
  follow(command: string, meant: Readonly<Record<string, string>> = {}): string {
    if (!this.#commands.includes(command)) throw new RangeError(`the manual has no '${command}'`);
    this.#unfollowed.delete(command);
    return Object.entries(meant).reduce((words, [word, by]) => words.replaceAll(word, by), command);
  }

  /** What nobody has tried. */
  get unfollowed(): readonly string[] {
    return [...this.#unfollowed];
  }
}
