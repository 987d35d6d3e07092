import {
  address, callback, enumeration, exchange, output, scalar, signature, struct, text, token,
  type CInterface,
} from '../native/c-type.js';
import * as constants from './constants.js';

const status = enumeration('cs_error_t');
const handle = scalar('cmap_handle_t', 'uint64_t');
const iterHandle = scalar('cmap_iter_handle_t', 'uint64_t');
const trackHandle = scalar('cmap_track_handle_t', 'uint64_t');
const valueType = enumeration('cmap_value_types_t');
const int32 = scalar('int32_t');
const size = scalar('size_t');

const notifyValue = struct('struct cmap_notify_value', {
  type: valueType, len: size, data: address('const void *'),
});
const notify = callback('cmap_notify_fn_t', [
  handle, trackHandle, int32, text(), notifyValue, notifyValue, token(),
]);

/** The types that native.ts registers by themselves. */
export const CMAP_TYPES = { notify };

/**
 * What we use of libcmap, in the header's order: all but the shortcuts for one type of value,
 * which are cmap_get and cmap_set again, and the context, which JS functions have anyway.
 * @see corosync/cmap.h
 */
export const CMAP_INTERFACE: CInterface = {
  header: 'corosync/cmap.h',
  functions: {
    cmap_initialize_map: signature(status, output(handle), enumeration('cmap_map_t')),
    cmap_finalize: signature(status, handle),
    cmap_fd_get: signature(status, handle, output(scalar('int'))),
    cmap_dispatch: signature(status, handle, enumeration('cs_dispatch_flags_t')),
    cmap_set: signature(status, handle, text(), address('const void *'), size, valueType),
    cmap_delete: signature(status, handle, text()),
    cmap_get: signature(
      status, handle, text(), address('void *'), exchange(size), output(valueType),
    ),
    cmap_inc: signature(status, handle, text()),
    cmap_dec: signature(status, handle, text()),
    cmap_iter_init: signature(status, handle, text(), output(iterHandle)),
    cmap_iter_next: signature(
      status, handle, iterHandle, address('char *'), output(size), output(valueType),
    ),
    cmap_iter_finalize: signature(status, handle, iterHandle),
    cmap_track_add: signature(
      status, handle, text(), int32, notify, token(), output(trackHandle),
    ),
    cmap_track_delete: signature(status, handle, trackHandle),
  },
  types: [notifyValue, notify],
  constants,
};
