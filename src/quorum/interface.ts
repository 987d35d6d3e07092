import {
  address, callback, enumeration, input, output, scalar, signature, struct, type CInterface,
} from '../native/c-type.js';
import * as constants from './constants.js';

const status = enumeration('cs_error_t');
const handle = scalar('quorum_handle_t', 'uint64_t');
const uint32 = scalar('uint32_t');
const modelNumber = enumeration('quorum_model_t');
const nodeIds = address('const uint32_t *');

const ringId = struct('struct quorum_ring_id', { nodeid: uint32, seq: scalar('uint64_t') });
const quorumNotify = callback('quorum_v1_quorum_notification_fn_t', [
  handle, uint32, ringId, uint32, nodeIds,
]);
const nodelistNotify = callback('quorum_v1_nodelist_notification_fn_t', [
  handle, ringId, uint32, nodeIds, uint32, nodeIds, uint32, nodeIds,
]);
const model = struct('quorum_model_v1_data_t', {
  model: modelNumber, quorum_notify_fn: quorumNotify, nodelist_notify_fn: nodelistNotify,
});

/** The types that native.ts registers by themselves. */
export const QUORUM_TYPES = { quorumNotify, nodelistNotify };

/**
 * What we use of libquorum, in the header's order: all but quorum_initialize, which is model 0 and
 * tells neither who joined nor who left, and the context, which JS functions have anyway.
 * @see corosync/quorum.h
 */
export const QUORUM_INTERFACE: CInterface = {
  header: 'corosync/quorum.h',
  functions: {
    quorum_model_initialize: signature(
      status, output(handle), modelNumber, input(model, 'quorum_model_data_t *'), output(uint32),
      address('void *'),
    ),
    quorum_finalize: signature(status, handle),
    quorum_fd_get: signature(status, handle, output(scalar('int'))),
    quorum_dispatch: signature(status, handle, enumeration('cs_dispatch_flags_t')),
    quorum_getquorate: signature(status, handle, output(scalar('int'))),
    quorum_trackstart: signature(status, handle, scalar('unsigned int')),
    quorum_trackstop: signature(status, handle),
  },
  types: [ringId, quorumNotify, nodelistNotify, model],
  constants,
};
