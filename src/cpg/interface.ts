import {
  address, array, callback, enumeration, input, output, scalar, signature, struct, type CInterface,
} from '../native/c-type.js';
import * as constants from './constants.js';

const status = enumeration('cs_error_t');
const handle = scalar('cpg_handle_t', 'uint64_t');
const uint32 = scalar('uint32_t');
const unsignedInt = scalar('unsigned int');
const size = scalar('size_t');

const cpgAddress = struct('struct cpg_address', { nodeid: uint32, pid: uint32, reason: uint32 });
const cpgName = struct('struct cpg_name', {
  length: uint32, value: array(scalar('char', 'uint8_t'), constants.CPG_MAX_NAME_LENGTH),
});
const ringId = struct('struct cpg_ring_id', { nodeid: uint32, seq: scalar('uint64_t') });
const description = struct('struct cpg_iteration_description_t', {
  group: cpgName, nodeid: uint32, pid: uint32,
});
const iteration = scalar('cpg_iteration_handle_t', 'uint64_t');
const groupName = address('const struct cpg_name *');
const addresses = address('const struct cpg_address *');

const deliver = callback('cpg_deliver_fn_t', [
  handle, groupName, uint32, uint32, address('void *'), size,
]);
const confchg = callback('cpg_confchg_fn_t', [
  handle, groupName, addresses, size, addresses, size, addresses, size,
]);
const totemConfchg = callback('cpg_totem_confchg_fn_t', [
  handle, ringId, uint32, address('const uint32_t *'),
]);
const model = struct('cpg_model_v1_data_t', {
  model: enumeration('cpg_model_t'),
  cpg_deliver_fn: deliver,
  cpg_confchg_fn: confchg,
  cpg_totem_confchg_fn: totemConfchg,
  flags: unsignedInt,
});
const iovec = struct('struct iovec', { iov_base: address('void *'), iov_len: size });

/** The types that native.ts reads and registers by themselves. */
export const CPG_TYPES = { cpgAddress, deliver, confchg, totemConfchg };

/** What we use of libcpg, in the header's order. @see corosync/cpg.h */
export const CPG_INTERFACE: CInterface = {
  header: 'corosync/cpg.h',
  functions: {
    cpg_model_initialize: signature(
      status, output(handle), enumeration('cpg_model_t'), input(model, 'cpg_model_data_t *'),
      address('void *'),
    ),
    cpg_finalize: signature(status, handle),
    cpg_fd_get: signature(status, handle, output(scalar('int'))),
    cpg_max_atomic_msgsize_get: signature(status, handle, output(uint32)),
    cpg_context_get: signature(status, handle, address('void **')),
    cpg_context_set: signature(status, handle, address('void *')),
    cpg_dispatch: signature(status, handle, enumeration('cs_dispatch_flags_t')),
    cpg_join: signature(status, handle, input(cpgName)),
    cpg_leave: signature(status, handle, input(cpgName)),
    cpg_mcast_joined: signature(
      status, handle, enumeration('cpg_guarantee_t'), input(iovec), unsignedInt,
    ),
    cpg_membership_get: signature(
      status, handle, input(cpgName, 'struct cpg_name *'), address('struct cpg_address *'),
      output(scalar('int')),
    ),
    cpg_local_get: signature(status, handle, output(unsignedInt)),
    cpg_flow_control_state_get: signature(
      status, handle, output(enumeration('cpg_flow_control_state_t')),
    ),
    cpg_iteration_initialize: signature(
      status, handle, enumeration('cpg_iteration_type_t'), input(cpgName), output(iteration),
    ),
    cpg_iteration_next: signature(status, iteration, output(description)),
    cpg_iteration_finalize: signature(status, iteration),
  },
  types: [
    cpgAddress, cpgName, description, ringId, deliver, confchg, totemConfchg, model, iovec,
  ],
  constants,
};
