/** One at a time, in the order of asking. */
export class Turns {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** Resolves when whoever has asked so far is done. */
  async settled(): Promise<void> {
    await this.#tail;
  }
}
