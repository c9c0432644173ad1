/**
 * Who reads the files of a sector at present. A file that was moved is deleted where it was when all are done that
 * may have learnt its old place; whoever comes later learns the new one.
 */
export class FileUses {
  readonly #running = new Map<number, Set<Promise<void>>>();

  /** Says that the files of these sectors are in use until the work is done. */
  async during<T>(sectorIds: readonly number[], work: () => Promise<T>): Promise<T> {
    const { promise: done, resolve } = Promise.withResolvers<void>();
    for (const sectorId of sectorIds) this.#of(sectorId).add(done);
    try {
      return await work();
    } finally {
      resolve();
      for (const sectorId of sectorIds) this.#forget(sectorId, done);
    }
  }

  /** Resolves when all are done that use the sector's files now. */
  async settled(sectorId: number): Promise<void> {
    await Promise.all(this.#running.get(sectorId) ?? []);
  }

  #of(sectorId: number): Set<Promise<void>> {
    const known = this.#running.get(sectorId) ?? new Set();
    this.#running.set(sectorId, known);
    return known;
  }
  #forget(sectorId: number, done: Promise<void>): void {
    const running = this.#running.get(sectorId);
    running?.delete(done);
    if (running?.size === 0) this.#running.delete(sectorId);
  }
}
