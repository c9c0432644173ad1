/**
 * Signatures of gossiped messages, verified off the main thread: one list is under way at a time, and what comes
 * meanwhile goes together in the next, so that a flood costs this thread a message to another one for each list and
 * not for each of its messages. What waits is bounded by the messages that gossip may have under examination.
 */
import type { SignedMessage } from "@holdfast/consensus";

export type AreSigned = (
  messages: readonly SignedMessage[],
  networkId: Uint8Array,
) => Promise<readonly boolean[]>;

interface Asked {
  readonly signed: SignedMessage;
  readonly answer: (isSigned: boolean) => void;
  readonly fail: (error: unknown) => void;
}

export class SignatureLine {
  readonly #areSigned: AreSigned;
  readonly #networkId: Uint8Array;
  #waiting: Asked[] = [];
  #isRunning = false;

  constructor(areSigned: AreSigned, networkId: Uint8Array) {
    this.#areSigned = areSigned;
    this.#networkId = networkId;
  }

  get waiting(): number {
    return this.#waiting.length;
  }
  /** Answers come in the order of the questions. */
  isSigned(signed: SignedMessage): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#waiting.push({ signed, answer: resolve, fail: reject });
    if (!this.#isRunning) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const list = this.#waiting;
      this.#waiting = [];
      try {
        const verdicts = await this.#areSigned(
          list.map(({ signed }) => signed),
          this.#networkId,
        );
        for (const [at, { answer }] of list.entries()) answer(verdicts[at] === true);
      } catch (error) {
        for (const { fail } of list) fail(error);
      }
    }
    this.#isRunning = false;
  }
}
