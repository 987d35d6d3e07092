import Table from 'cli-table3';

/**
 * One line of a bench: `value` is what the target is about, `target` is `{ atLeast }` or
 * `{ atMost }`, and `detail` says what it was made of.
 */
export function row(what, value, target, detail, unit = 'x C') {
  const met = 'atLeast' in target ? value >= target.atLeast : value <= target.atMost;
  return { what, value, target, detail, unit, met };
}

export function tableOf(rows) {
  const table = new Table({
    head: ['bench', 'measured', 'target', '', 'medians'], style: { head: [], border: [] },
  });
  for (const { what, value, target, detail, unit, met } of rows) {
    const bound = 'atLeast' in target ? `>= ${target.atLeast}` : `<= ${target.atMost}`;
    table.push([what, `${value.toFixed(2)} ${unit}`, bound, met ? 'met' : 'MISSED', detail]);
  }
  return table.toString();
}
