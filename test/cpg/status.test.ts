import test from 'ava';
import { CpgError } from '../../src/cpg/index.js';
import { check, errorOf } from '../../src/cpg/status.js';

test('CS_OK is no error', (t) => {
  t.notThrows(() => check('cpg_join', 1));
});

test('a status keeps its code, its number and the operation', (t) => {
  const thrown = t.throws(() => check('cpg_join', 14), { instanceOf: CpgError });
  t.is(thrown.code, 'EXIST');
  t.is(thrown.status, 14);
  t.is(thrown.operation, 'cpg_join');
  t.false(thrown.retryable);
});

test('an unknown status keeps its number', (t) => {
  const error = errorOf('cpg_join', 77);
  t.is(error.code, 'UNKNOWN');
  t.is(error.status, 77);
});

test('a missing corosync is retryable and says what to start', (t) => {
  const error = errorOf('cpg_model_initialize', 2);
  t.is(error.code, 'LIBRARY');
  t.true(error.retryable);
  t.regex(error.message, /start corosync/);
});

test('a corosync that starts is retryable', (t) => {
  t.true(errorOf('cpg_model_initialize', 6).retryable);
});

test('a refused user is told about uidgid.d', (t) => {
  const error = errorOf('cpg_model_initialize', 11);
  t.is(error.code, 'ACCESS');
  t.regex(error.message, /uidgid\.d/);
});
