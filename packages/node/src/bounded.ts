/** A map with text keys that forgets its oldest entries when it is full. */
export class Bounded<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #most: number;

  /** `most`: entries that are kept. */
  constructor(most: number) {
    this.#most = most;
  }
  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }
  set(key: string, value: Value): void {
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#most) return;
    const oldest = this.#entries.keys().next().value;
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
  get size(): number {
    return this.#entries.size;
  }
  clear(): void {
    this.#entries.clear();
  }
  delete(key: string): void {
    this.#entries.delete(key);
  }
}
