import test from 'ava';
import { QuorumError } from '../../src/quorum/index.js';
import { check, errorOf } from '../../src/quorum/status.js';

test('CS_OK is no error', (t) => {
  t.notThrows(() => check('quorum_trackstart', 1));
});

test('a status keeps its code, its number and the operation', (t) => {
  const thrown = t.throws(() => check('quorum_trackstart', 12), { instanceOf: QuorumError });
  t.is(thrown.code, 'NOT_EXIST');
  t.is(thrown.status, 12);
  t.is(thrown.operation, 'quorum_trackstart');
  t.false(thrown.retryable);
});

test('an unknown status keeps its number', (t) => {
  const error = errorOf('quorum_trackstart', 77);
  t.is(error.code, 'UNKNOWN');
  t.is(error.status, 77);
});

test('a missing corosync is retryable and says what to start', (t) => {
  const error = errorOf('quorum_model_initialize', 2);
  t.is(error.code, 'LIBRARY');
  t.true(error.retryable);
  t.regex(error.message, /start corosync/);
});

test('a corosync that starts is retryable', (t) => {
  t.true(errorOf('quorum_model_initialize', 6).retryable);
});

test('a refused user is told about uidgid.d', (t) => {
  const error = errorOf('quorum_model_initialize', 11);
  t.is(error.code, 'ACCESS');
  t.regex(error.message, /uidgid\.d/);
});
