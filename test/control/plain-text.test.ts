import { request } from 'node:http';
import test from 'ava';
import { renderPlainText, wantsPlainText } from '../../src/control/plain-text.js';
import { aLock } from './fake-service.js';
import { serve } from './fixture.js';

interface TextAnswer {
  readonly status: number;
  readonly type: string;
  readonly lines: readonly string[];
}

function askText(
  socketPath: string, method: string, path: string, body: object | null = null,
): Promise<TextAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'text/plain', 'content-type': 'application/json' };
    const outgoing = request({ socketPath, method, path, agent: false, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => {
        const type = String(response.headers['content-type']);
        resolve({ status: response.statusCode ?? 0, type, lines: text.split('\n') });
      });
    });
    outgoing.once('error', reject);
    outgoing.end(body === null ? undefined : JSON.stringify(body));
  });
}

test('each plain value is a line of its path and itself; null and empty lists have none', (t) => {
  const value = { a: { b: 'two words' }, list: [1, true], nothing: null, empty: [] };
  t.is(renderPlainText(value), 'a.b two words\nlist.0 1\nlist.1 true\n');
  t.is(renderPlainText({}), '');
});

test('nothing in a value can begin another line', (t) => {
  t.is(renderPlainText({ a: 'x\nerror.code HELD\r\u0085y' }), 'a x error.code HELD  y\n');
});

test('a value without end is not followed for ever', (t) => {
  const loop: Record<string, unknown> = { name: 'x' };
  loop['self'] = loop;
  t.true(renderPlainText(loop).split('\n').length < 30);
});

for (const [accept, wants] of [
  [undefined, false], ['*/*', false], ['application/json', false], ['text/plain', true],
  ['application/json;q=0.5, text/plain; charset=utf-8', true], ['text/plainer', false],
] as const) {
  test(`Accept: ${accept ?? '(none)'} is ${wants ? '' : 'not '}a wish for lines`, (t) => {
    t.is(wantsPlainText(accept), wants);
  });
}

test('answers and refusals come as lines to who asks for them', async (t) => {
  const { socketPath, service } = await serve(t);
  const status = await askText(socketPath, 'GET', '/v1/status');
  t.is(status.status, 200);
  t.regex(status.type, /^text\/plain/);
  t.true(status.lines.includes('standing.kind ok'));

  const lock = aLock({ state: 'held' });
  service.ownLockView = { state: 'held', lock, standing: { kind: 'ok' } };
  const own = await askText(socketPath, 'GET', '/v1/own-lock?resource=vm-17&owner=qemu-17');
  t.true(own.lines.includes('state held'));
  t.true(own.lines.includes('lock.owner.name qemu-17'));

  const wrong = await askText(socketPath, 'POST', '/v1/acquire', { resource: '' });
  t.is(wrong.status, 400);
  t.true(wrong.lines.includes('error.code BAD_REQUEST'));
  const absent = await askText(socketPath, 'GET', '/v1/nothing');
  t.is(absent.status, 404);
  t.true(absent.lines.includes('error.code NOT_FOUND'));
});

test('a hint of fencing is passed on, and answered with what became of it', async (t) => {
  const { socketPath } = await serve(t);
  const report = { node: 'n2', operation: 'reboot', succeeded: true };
  const answer = await askText(socketPath, 'POST', '/v1/hints/fencing', report);
  t.is(answer.status, 200);
  t.true(answer.lines.includes('controller needed'));
  const wrong = await askText(socketPath, 'POST', '/v1/hints/fencing', { ...report, node: '' });
  t.true(wrong.lines.includes('error.problems.0.path node'));
});
