import test from 'ava';
import { FrameSequence } from '../../../src/cpg/channel/sequence.js';
import { PEER, SELF } from './fake-group.js';

test('the first number of a sender is in step, then each next one, across the end of the row', (t) => {
  const sequence = new FrameSequence(4);
  t.is(sequence.take(PEER, 0xffff_ffff), 'next');
  t.is(sequence.take(PEER, 0), 'next');
  t.is(sequence.take(PEER, 1), 'next');
  t.is(sequence.take(SELF, 77), 'next');
});

test('missing frames are counted, and repeated ones are known as such', (t) => {
  const sequence = new FrameSequence(4);
  sequence.take(PEER, 5);
  t.is(sequence.take(PEER, 9), 3);
  t.is(sequence.take(PEER, 9), 'repeated');
  t.is(sequence.take(PEER, 6), 'repeated');
  t.is(sequence.take(PEER, 10), 'next');
});

test('who left begins anew', (t) => {
  const sequence = new FrameSequence(4);
  sequence.take(PEER, 5);
  sequence.forget(PEER);
  t.is(sequence.take(PEER, 1), 'next');
  sequence.retain([SELF]);
  t.is(sequence.senders, 0);
});

test('beyond its bound of senders it keeps no more and checks no more', (t) => {
  const sequence = new FrameSequence(2);
  for (let pid = 1; pid <= 5; pid += 1) sequence.take({ nodeId: 1, pid }, 1);
  t.is(sequence.senders, 2);
  t.is(sequence.take({ nodeId: 1, pid: 5 }, 1), 'next');
});

test('who was away and goes on is missed what it sent meanwhile, and nothing of it is repeated', (t) => {
  const sequence = new FrameSequence(4);
  sequence.take(PEER, 5);
  sequence.away(PEER);
  sequence.retain([SELF]);
  t.is(sequence.take(PEER, 9), 3);
  sequence.away(PEER);
  t.is(sequence.take(PEER, 10), 'next');
  t.is(sequence.take(PEER, 10), 'repeated');
});

test('a number behind the last one of who was away is a new process\'s first', (t) => {
  const sequence = new FrameSequence(4);
  sequence.take(PEER, 5);
  for (const number of [1, 1]) {
    sequence.away(PEER);
    t.is(sequence.take(PEER, number), 'next');
  }
  t.is(sequence.take(PEER, 3), 1);
});

test('who is away makes room for who is there', (t) => {
  const sequence = new FrameSequence(2);
  sequence.take(PEER, 5);
  sequence.take(SELF, 5);
  sequence.away(PEER);
  const newcomer = { nodeId: 7, pid: 7 };
  sequence.take(newcomer, 1);
  t.is(sequence.senders, 2);
  t.is(sequence.take(newcomer, 3), 1);
});
