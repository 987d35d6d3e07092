import test from 'ava';

import { commandsIn, Manual } from './manual.js';

const TEXT = `
Try \`stonith_admin
--reboot NODE\` and \`holdfast status\`; see \`holdfast.toml\`, \`on-fail=block\`.

1. On every node

       holdfast install
       systemd-sysusers; systemctl daemon-reload

    crm configure load update vm.crm       # or: sh vm.pcs.sh

Again \`holdfast status\`.
`;

test('commands are found in blocks and in spans, once, and nothing else is', (t) => {
  t.deepEqual(commandsIn(TEXT), [
    'holdfast install', 'systemd-sysusers; systemctl daemon-reload',
    'crm configure load update vm.crm', 'sh vm.pcs.sh', 'stonith_admin --reboot NODE',
    'holdfast status',
  ]);
});

test('what was followed is known, and what the manual does not have is refused', (t) => {
  const manual = new Manual('`stonith_admin --reboot NODE` `holdfast nodes`');
  t.is(manual.follow('stonith_admin --reboot NODE', { NODE: 'n2' }), 'stonith_admin --reboot n2');
  t.deepEqual(manual.unfollowed, ['holdfast nodes']);
  t.throws(() => manual.follow('holdfast node'), { message: "the manual has no 'holdfast node'" });
});

test('the manual itself has commands', (t) => {
  t.true(new Manual().unfollowed.length >= 10);
});
