/** The data of a sector in the thread that seals: chunks of any size that are asked for over a channel, in order. */
import { once } from "node:events";
import type { MessagePort } from "node:worker_threads";

export class IncomingData {
  readonly #port: MessagePort;
  #rest: Uint8Array = new Uint8Array(0);
  #ended = false;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** The next bytes, fewer at the end. */
  async read(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let held = 0;
    while (held < length && (this.#rest.length > 0 || (await this.#more()))) {
      const taken = this.#rest.subarray(0, length - held);
      bytes.set(taken, held);
      held += taken.length;
      this.#rest = this.#rest.subarray(taken.length);
    }
    return bytes.subarray(0, held);
  }

  /** Whether there is nothing more; the side that sends refuses what is too much. */
  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0 && (await this.#more()));
    return this.#rest.length === 0;
  }

  end(): void {
    this.#port.close();
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const answered = once(this.#port, "message");
    this.#port.postMessage(null);
    const [chunk]: (Uint8Array | null)[] = await answered;
    if (chunk === null || chunk === undefined) this.#ended = true;
    else this.#rest = chunk;
    return !this.#ended;
  }
}
