/**
 * One holder per key at a time, first come first served. Whoever installs or deletes the files of a sector
 * holds its lock, so that a deletion never meets a file of the next attempt.
 */
export class KeyedLocks {
  readonly #tails = new Map<number, Promise<void>>();

  async run<T>(key: number, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const { promise: done, resolve: release } = Promise.withResolvers<void>();
    const tail = before.then(() => done);
    this.#tails.set(key, tail);
    await before;
    try {
      return await work();
    } finally {
      release();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
