/**
 * The child process that speaks to libdlm, and does nothing else: any libdlm call may block in
 * the kernel, unkillable, while a lockspace is stopped.
 *
 * Its parent gives it a connected socket as file descriptor 3, for requests and replies. The child
 * ends soon after its parent; what it held and was persistent stays in the kernel as orphans of
 * this node.
 */
import { serve } from './serve.js';
import { systemOpener } from './session.js';

/** What /proc/PID/comm shows; the name by which a leftover of an earlier daemon is known. */
process.title = 'holdfast-dlm';

serve(systemOpener);
