import { spawnSync } from 'node:child_process';
import test from 'ava';
import { IsolatingEmitter } from '../../src/native/emitter.js';
import { ListenerError } from '../../src/native/listener-error.js';

interface Events {
  view: [view: number];
}

test('listeners added by once hear one event, the others every one, in order', (t) => {
  const emitter = new IsolatingEmitter<Events>();
  const heard: string[] = [];
  emitter.once('view', () => heard.push('once'));
  emitter.on('view', () => heard.push('always'));
  t.true(emitter.emit('view', 1));
  t.true(emitter.emit('view', 2));
  t.deepEqual(heard, ['once', 'always', 'always']);
});

test('an event without listeners is told apart', (t) => {
  t.false(new IsolatingEmitter<Events>().emit('view', 1));
});

test('a context is refused rather than ignored', (t) => {
  const emitter = new IsolatingEmitter<Events>();
  const context = {} as unknown as undefined;
  for (const add of ['on', 'once', 'addListener'] as const) {
    const thrown = t.throws(
      () => emitter[add]('view', () => undefined, context), { instanceOf: ListenerError },
    );
    t.is(thrown.code, 'LISTENER_INVALID');
  }
  t.is(emitter.listenerCount('view'), 0);
});

test('what is no function is refused', (t) => {
  const emitter = new IsolatingEmitter<Events>();
  const thrown = t.throws(
    () => emitter.on('view', 'listener' as unknown as () => void), { instanceOf: ListenerError },
  );
  t.is(thrown.code, 'LISTENER_INVALID');
  t.is(thrown.operation, 'on');
});

test('a listener that an earlier one removes hears the event under way and no more', (t) => {
  const emitter = new IsolatingEmitter<Events>();
  const heard: number[] = [];
  const second = (view: number): void => void heard.push(view);
  emitter.on('view', () => emitter.off('view', second));
  emitter.on('view', second);
  emitter.emit('view', 1);
  emitter.emit('view', 2);
  t.deepEqual(heard, [1]);
});

// In a process of its own: what a listener throws has to end up as an uncaught exception.
test('a throwing listener costs nobody an event and is an uncaught typed error later', (t) => {
  const module = new URL('../../src/native/emitter.js', import.meta.url).href;
  const program = `
    import { IsolatingEmitter } from ${JSON.stringify(module)};
    const emitter = new IsolatingEmitter();
    process.on('uncaughtException', ({ code, cause }) =>
      console.log('uncaught', code, cause.message));
    emitter.on('view', () => { throw new Error('first'); });
    emitter.on('view', () => console.log('second heard'));
    emitter.emit('view', {});
    emitter.emit('view', {});
    console.log('emitted');
  `;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8', cwd: new URL('../../..', import.meta.url),
  });
  t.deepEqual(result.stdout.trim().split('\n'), [
    'second heard', 'second heard', 'emitted',
    'uncaught LISTENER_THREW first', 'uncaught LISTENER_THREW first',
  ]);
});
