import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'eventemitter3';
import test from 'ava';
import { emit } from '../../src/cpg/emit.js';
import type { GroupEvents } from '../../src/cpg/index.js';

const VIEW = { members: [], left: [], joined: [] };

test('listeners added by once hear one event, the others every one, in order', (t) => {
  const emitter = new EventEmitter<GroupEvents>();
  const heard: string[] = [];
  emitter.once('view', () => heard.push('once'));
  emitter.on('view', () => heard.push('always'));
  emit(emitter, 'view', VIEW);
  emit(emitter, 'view', VIEW);
  t.deepEqual(heard, ['once', 'always', 'always']);
});

// In a process of its own: what a listener throws has to end up as an uncaught exception.
test('a throwing listener costs nobody an event and is an uncaught exception later', (t) => {
  const program = `
    import { EventEmitter } from 'eventemitter3';
    import { emit } from ${JSON.stringify(new URL('../../src/cpg/emit.js', import.meta.url).href)};
    const emitter = new EventEmitter();
    process.on('uncaughtException', (thrown) => console.log('uncaught', thrown.message));
    emitter.on('view', () => { throw new Error('first'); });
    emitter.on('view', () => console.log('second heard'));
    emit(emitter, 'view', {});
    emit(emitter, 'view', {});
    console.log('emitted');
  `;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8', cwd: new URL('../../..', import.meta.url),
  });
  t.deepEqual(result.stdout.trim().split('\n'), [
    'second heard', 'second heard', 'emitted', 'uncaught first', 'uncaught first',
  ]);
});
