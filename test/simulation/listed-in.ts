/** A lock that a list file names, as far as these checks need it. */
export interface Listed {
  readonly resource: string;
  readonly owner: string;
}

interface Line {
  readonly kind?: string;
  readonly id?: number;
  readonly lock?: {
    readonly id: number;
    readonly resource: string;
    readonly owner: { readonly name?: string; readonly pid?: number } | null;
  };
}

/**
 * What a list file says, read without the code that is under test: which locks are in it whose end
 * is not. What is no line of a list is passed over.
 */
export function listedIn(bytes: Buffer | null): readonly Listed[] {
  const listed = new Map<number, Listed>();
  const lines = (bytes?.toString() ?? '').split('\n').slice(0, -1);
  for (const text of lines) {
    const { kind, id, lock } = parse(text);
    if (lock !== undefined && lock.owner !== null) {
      const owner = lock.owner.name ?? `process ${lock.owner.pid}`;
      listed.set(lock.id, { resource: lock.resource, owner });
    }
    if (kind === 'dropped' && id !== undefined) listed.delete(id);
  }
  return [...listed.values()];
}

function parse(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    // Damage: what the reader under test makes of it is its own affair.
    return {};
  }
}
