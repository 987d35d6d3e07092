/** For whom a lock is held. */
export type Owner =
  /** A process of this host; its locks are released when it ends. */
  | {
      readonly kind: 'process';
      readonly pid: number;
      /** Field 22 of /proc/PID/stat, in clock ticks since boot: tells a reused pid apart. */
      readonly startTime: number;
    }
  /** A thing with a name, such as a VM's uuid; its locks are kept until they are released. */
  | { readonly kind: 'named'; readonly name: string };

export function isSameOwner(one: Owner, other: Owner): boolean {
  return ownerKey(one) === ownerKey(other);
}

/** A text that is equal for equal owners only. */
export function ownerKey(owner: Owner): string {
  switch (owner.kind) {
    case 'process':
      return `process:${owner.pid}:${owner.startTime}`;
    case 'named':
      return `named:${owner.name}`;
    default:
      return owner satisfies never;
  }
}

/** The owner in the words of a message: `vm-17`, or `process 4711`. */
export function describeOwner(owner: Owner): string {
  return owner.kind === 'named' ? owner.name : `process ${owner.pid}`;
}
