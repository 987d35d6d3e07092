import Table from 'cli-table3';
import { printable } from './text.js';

const NO_LINES = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '',
  bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '',
  middle: '  ',
} as const;

/** Rows under a head, in columns as wide as their widest cell, without lines. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const table = new Table({
    chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  table.push([...head], ...rows.map((row) => row.map(printable)));
  return table.toString().split('\n').map((line) => `${line.trimEnd()}\n`).join('');
}

/** Names and what they are, one a line. */
export function renderFacts(facts: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...facts.map(([name]) => name.length)) + 2;
  return facts.map(([name, value]) => `${name.padEnd(width)}${printable(value)}\n`).join('');
}
