import test from 'ava';

import { decodeQmp, encodeQmp, QmpDecoder } from './qmp-codec.js';

test('a stream gives the same messages however it is cut', (t) => {
  const stream = '{"QMP": {}}\r\n{"return": {"name": "é"}, "id": 1}\r\n{"event": "STOP"}\r\n';
  const whole = new QmpDecoder().push(stream);
  t.deepEqual(whole.map(({ kind }) => kind), ['greeting', 'return', 'event']);
  for (let cut = 0; cut <= stream.length; cut++) {
    const decoder = new QmpDecoder();
    const messages = [...decoder.push(stream.slice(0, cut)), ...decoder.push(stream.slice(cut))];
    t.deepEqual(messages, whole);
  }
});

test('a command without arguments has none on the wire', (t) => {
  t.is(encodeQmp(7, 'stop', {}), '{"execute":"stop","id":7}\n');
  t.is(
    encodeQmp(8, 'set_link', { name: 'c', up: false }),
    '{"execute":"set_link","id":8,"arguments":{"name":"c","up":false}}\n',
  );
});

test('a refusal carries the text of the monitor', (t) => {
  const line = '{"id": 3, "error": {"class": "DeviceNotFound", "desc": "no such device"}}';
  t.deepEqual(decodeQmp(line), { kind: 'error', id: 3, text: 'no such device' });
});

test('what is no message of the protocol is an error and not ignored', (t) => {
  for (const line of ['', 'null', '[]', '{}', '{"event": 3}', 'QMP']) {
    t.throws(() => decodeQmp(line), { code: 'PROTOCOL' });
  }
});

test('a line without an end is refused once it is too long', (t) => {
  const decoder = new QmpDecoder();
  t.throws(() => {
    for (let chunk = 0; chunk < 20; chunk++) decoder.push('x'.repeat(100_000));
  }, { code: 'PROTOCOL' });
});
