import { HoldfastError } from '../../../src/errors.js';

/** What can go wrong with the machinery around the tests, as against in what they test. */
export type LabErrorCode =
  | 'TIMEOUT'
  | 'COMMAND_FAILED'
  | 'MISSING'
  | 'BOOT_FAILED'
  | 'BUILD_FAILED'
  | 'BUSY'
  | 'UNREACHABLE'
  | 'GONE'
  | 'PROTOCOL';

/** A failure of the lab itself: the test that meets it has proved nothing either way. */
export class LabError extends HoldfastError {
  readonly code: LabErrorCode;

  constructor(code: LabErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
