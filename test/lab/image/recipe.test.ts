import test from 'ava';

import { GUEST_FILES, INITRAMFS_INIT, recipeHash } from './recipe.js';

test('another kernel or another Node.js is another image', (t) => {
  const hash = recipeHash('6.1.1-1', 'v20.1.0');
  t.regex(hash, /^[0-9a-f]{16}$/);
  t.is(recipeHash('6.1.1-1', 'v20.1.0'), hash);
  t.not(recipeHash('6.1.2-1', 'v20.1.0'), hash);
  t.not(recipeHash('6.1.1-1', 'v20.2.0'), hash);
});

test('the initramfs loads the checksum that ext4 fails without, before ext4', (t) => {
  t.regex(INITRAMFS_INIT, /for module in .*crc32c_generic ext4;/);
});

test('files of the guest are named from its root and hold no secret', (t) => {
  for (const { path, text } of GUEST_FILES) {
    t.false(path.startsWith('/'));
    t.false(text.includes('PRIVATE KEY'));
  }
});
