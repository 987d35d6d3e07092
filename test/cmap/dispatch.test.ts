import test from 'ava';
import { takeEvents } from '../../src/cmap/dispatch.js';
import { EVENTS_PER_TURN_MAX } from '../../src/cmap/limits.js';
import {
  CS_ERR_BAD_HANDLE, CS_ERR_LIBRARY, CS_ERR_TRY_AGAIN, CS_OK,
} from '../../src/native/corotypes.js';

function scripted(...statuses: readonly number[]): { dispatch: () => number; left: number[] } {
  const left = [...statuses];
  return { left, dispatch: () => left.shift() ?? CS_ERR_TRY_AGAIN };
}

test('events are taken until there is none', (t) => {
  const { dispatch, left } = scripted(CS_OK, CS_OK, CS_ERR_TRY_AGAIN, CS_OK);
  t.is(takeEvents(dispatch), CS_OK);
  t.deepEqual(left, [CS_OK]);
});

test('an event of a deleted tracker is no loss of the connection', (t) => {
  const { dispatch, left } = scripted(CS_OK, CS_ERR_BAD_HANDLE, CS_OK, CS_ERR_TRY_AGAIN);
  t.is(takeEvents(dispatch), CS_OK);
  t.deepEqual(left, []);
});

test('the death of corosync is told', (t) => {
  t.is(takeEvents(scripted(CS_OK, CS_ERR_LIBRARY).dispatch), CS_ERR_LIBRARY);
});

test('a flood of events is taken in bounded turns', (t) => {
  let calls = 0;
  t.is(takeEvents(() => {
    calls += 1;
    return CS_OK;
  }), CS_OK);
  t.is(calls, EVENTS_PER_TURN_MAX);
});
