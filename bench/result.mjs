import Table from 'cli-table3';

/**
 * One line of a bench: `value` is what the target is about, `target` is `{ atLeast }`,
 * `{ atMost }`, or null for what is only to be known, and `detail` says what it was made of.
 */
export function row(what, value, target, detail, unit = 'x C') {
  return { what, value, target, detail, unit, verdict: verdictOf(value, target) };
}

export function tableOf(rows) {
  const table = new Table({
    head: ['bench', 'measured', 'target', '', 'medians'], style: { head: [], border: [] },
  });
  for (const { what, value, target, detail, unit, verdict } of rows) {
    table.push([what, `${value.toFixed(2)} ${unit}`, boundOf(target), verdict, detail]);
  }
  return table.toString();
}

function verdictOf(value, target) {
  if (target === null) return '';
  const met = 'atLeast' in target ? value >= target.atLeast : value <= target.atMost;
  return met ? 'met' : 'MISSED';
}

function boundOf(target) {
  if (target === null) return '-';
  return 'atLeast' in target ? `>= ${target.atLeast}` : `<= ${target.atMost}`;
}
