/** Work that is done one after the other. What waits is counted, so that who adds to it can keep it bounded. */
export class Lane {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** Pieces of work that have not ended. */
  get waiting(): number {
    return this.#waiting;
  }
  /** Settles as the work does; a failure does not keep what comes after it from its turn. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#waiting += 1;
    const result = this.#last.then(work).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }
  /** Resolves when everything that waits now has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
