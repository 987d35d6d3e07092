import { EntrySum } from './digest.js';
import type { ManifestEntry } from './message.js';

/**
 * The entries of one node's manifest by their author's ids, with their digest and an index by
 * resource kept at every change: a digest is told and compared every few seconds, and a refusal
 * asks for the holders of one resource, whatever the number of entries.
 */
export class Manifest extends Map<number, ManifestEntry> {
  readonly #sum = new EntrySum();
  /** Most resources have one entry of a node; for the others a map by id. */
  readonly #byResource = new Map<string, ManifestEntry | Map<number, ManifestEntry>>();

  /** Under each entry's own id. */
  static of(entries: Iterable<ManifestEntry>): Manifest {
    const manifest = new Manifest();
    for (const entry of entries) manifest.set(entry.id, entry);
    return manifest;
  }

  constructor() {
    // Never with entries: `set` would run before the fields below are there.
    super();
  }

  /** The same as `digestEntries` of its values. */
  get digest(): string {
    return this.#sum.digest;
  }

  /** The entries on that resource, in no order. */
  on(resource: string): readonly ManifestEntry[] {
    const found = this.#byResource.get(resource);
    if (found === undefined) return [];
    return found instanceof Map ? [...found.values()] : [found];
  }

  /** `id` is the entry's own. */
  override set(id: number, entry: ManifestEntry): this {
    this.delete(id);
    this.#sum.add(entry);
    this.#index(entry);
    return super.set(id, entry);
  }

  override delete(id: number): boolean {
    const entry = this.get(id);
    if (entry === undefined) return false;
    this.#sum.remove(entry);
    this.#unindex(entry);
    return super.delete(id);
  }

  override clear(): void {
    for (const id of [...this.keys()]) this.delete(id);
  }

  #index(entry: ManifestEntry): void {
    const { resource } = entry;
    const found = this.#byResource.get(resource);
    if (found === undefined) this.#byResource.set(resource, entry);
    else if (found instanceof Map) found.set(entry.id, entry);
    else this.#byResource.set(resource, new Map([[found.id, found], [entry.id, entry]]));
  }

  #unindex({ id, resource }: ManifestEntry): void {
    const found = this.#byResource.get(resource);
    if (found instanceof Map) {
      found.delete(id);
      if (found.size > 0) return;
    }
    this.#byResource.delete(resource);
  }
}
