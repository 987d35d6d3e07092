// The DLM child for benches on a machine without dlm.ko: the same child, but it opens the
// lockspace without a look at the kernel. For LD_LIBRARY_PATH with bench/c/stub-libdlm.c.
import { serve } from '../../build/src/dlm/child/serve.js';
import { loadLibDlm } from '../../build/src/dlm/native.js';

const opener = {
  loadLibrary: loadLibDlm,
  openLockspace: (library, name) => {
    const handle = library.dlm_open_lockspace(name);
    return Promise.resolve({ kind: 'open', handle, fd: library.dlm_ls_get_fd(handle) });
  },
  releaseLockspace: (library, name, handle) => {
    library.dlm_close_lockspace(handle);
    return Promise.resolve({ kind: 'released' });
  },
};

serve(opener);
