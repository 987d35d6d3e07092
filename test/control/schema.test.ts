import test from 'ava';
import type { z } from 'zod';
import type { CoordinatorEvent, LockView, NodeView, StatusView } from '../../src/coordinator/core/view.js';
import type { AcquireResult, ConvertResult, ReleaseResult } from '../../src/coordinator/service.js';
import {
  acquireReplySchema, acquireRequestSchema, convertReplySchema, eventSchema, lockSchema, nodeSchema,
  releaseReplySchema, releaseRequestSchema, statusSchema,
} from '../../src/control/schema.js';
import { aLock, aNode, aStatus } from './fake-service.js';

/** Compiles only when every value of `T` is one that the schema yields. */
function covers<T extends z.output<S>, S extends z.ZodType>(schema: S, value: T): boolean {
  return schema.safeParse(value).success;
}

test('whatever the coordinator may say has a place in the schemas', (t) => {
  t.true(covers<StatusView, typeof statusSchema>(statusSchema, aStatus()));
  t.true(covers<NodeView, typeof nodeSchema>(nodeSchema, aNode()));
  t.true(covers<LockView, typeof lockSchema>(lockSchema, aLock()));
  t.true(covers<AcquireResult, typeof acquireReplySchema>(acquireReplySchema, {
    lock: aLock(), acquired: false, convertedFrom: 'PR',
  }));
  t.true(covers<ConvertResult, typeof convertReplySchema>(convertReplySchema, {
    lock: aLock({ converting: 'PR' }), from: 'EX', converted: true, pending: true,
  }));
  t.true(covers<ReleaseResult, typeof releaseReplySchema>(releaseReplySchema, {
    released: true, pending: true,
  }));
  t.true(covers<CoordinatorEvent, typeof eventSchema>(eventSchema, {
    at: '2026-01-02T03:04:05.000Z', type: 'standing', standing: { kind: 'no-quorum' },
  }));
});

test('a reply may say more than this version understands', (t) => {
  t.deepEqual(lockSchema.parse({ ...aLock(), colour: 'red' }), aLock());
});

const owner = { kind: 'named', name: 'o' };

for (const [what, request, path] of [
  ['an empty resource', { resource: '', owner }, 'resource'],
  ['a resource of 1025 bytes', { resource: 'x'.repeat(1025), owner }, 'resource'],
  ['a resource of 513 two-byte characters', { resource: 'é'.repeat(513), owner }, 'resource'],
  ['a newline in a resource', { resource: 'a\nb', owner }, 'resource'],
  ['a C1 control character', { resource: 'a\u0085b', owner }, 'resource'],
  ['half a surrogate pair', { resource: 'a\ud800', owner }, 'resource'],
  ['no resource', { owner }, 'resource'],
  ['an empty owner name', { resource: 'r', owner: { kind: 'named', name: '' } }, 'owner.name'],
  ['an owner name of 257 bytes', { resource: 'r', owner: { kind: 'named', name: 'x'.repeat(257) } }, 'owner.name'],
  ['an owner of no kind', { resource: 'r', owner: { name: 'o' } }, 'owner.kind'],
  ['pid 0', { resource: 'r', owner: { kind: 'process', pid: 0, startTime: 1 } }, 'owner.pid'],
  ['half a pid', { resource: 'r', owner: { kind: 'process', pid: 1.5, startTime: 1 } }, 'owner.pid'],
  ['a misspelt field', { resource: 'r', owner, wait: 1 }, ''],
  ['a wait beyond what timers can do', { resource: 'r', owner, waitMs: 2 ** 31 }, 'waitMs'],
  ['a negative wait', { resource: 'r', owner, waitMs: -1 }, 'waitMs'],
  ['an unknown mode', { resource: 'r', owner, mode: 'XX' }, 'mode'],
] as const) {
  test(`refused: ${what}`, (t) => {
    const result = acquireRequestSchema.safeParse(request);
    t.false(result.success);
    t.deepEqual(result.error?.issues.map((issue) => issue.path.join('.')), [path]);
  });
}

test('names at their bounds are taken', (t) => {
  const request = { resource: 'é'.repeat(512), owner: { kind: 'named', name: 'x'.repeat(256) } };
  t.true(releaseRequestSchema.safeParse(request).success);
});
