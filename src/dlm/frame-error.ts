/**
 * What arrived cannot be a frame of ours, or what is to be sent does not fit into one. The two
 * sides are out of step: the connection must be given up.
 */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}
