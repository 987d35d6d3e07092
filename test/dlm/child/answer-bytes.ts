interface AnswerFields {
  readonly token: number;
  readonly id: number;
  /** As the kernel writes it: negative, 0 for a grant. */
  readonly status?: number;
  readonly flags?: number;
  readonly blockedMode?: number;
  readonly value?: Uint8Array;
  readonly version?: number;
  readonly length?: number;
}

/** `struct dlm_lock_result` as a 64-bit kernel writes it. @see linux/dlm_device.h */
export function answerBytes(fields: AnswerFields): Buffer {
  const { token, id, status = 0, flags = 0, blockedMode = 0, value, version = 6 } = fields;
  const bytes = Buffer.alloc(72 + (value?.length ?? 0));
  bytes.writeUInt32LE(version, 0);
  bytes.writeUInt32LE(fields.length ?? bytes.length, 12);
  bytes.writeBigUInt64LE(BigInt(token), 16);
  bytes.writeBigUInt64LE(BigInt(id), 24);
  bytes.writeInt32LE(status, 40);
  bytes.writeUInt8(flags, 48);
  bytes.writeUInt8(blockedMode, 64);
  bytes.writeUInt32LE(value === undefined ? 0 : 72, 68);
  if (value !== undefined) {
    bytes.set(value, 72);
  }
  return bytes;
}
