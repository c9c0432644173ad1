/**
 * A caller's end of one helper thread: starts it, posts tasks to it, and finds out whether it lives. All of this
 * works while the caller's event loop stands still.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { Seat } from "./seats.ts";
import {
  bellState,
  bellWord,
  cpuPartsPerMs,
  type HelperData,
  type HelperMessage,
  type TaskMessage,
} from "./wire.ts";

/** Tasks that wait at one helper, at most: one that starts slowly keeps no memory of many tasks. */
const maxWaiting = 4;

/** In a release all files are bundled, the helper's thread into one of its own (tools/release-package.ts). */
const isBundled = !import.meta.url.endsWith(".ts");
const entry = isBundled
  ? new URL("./crew-thread.js", import.meta.url)
  : new URL("./thread.ts", import.meta.url);

export class HelperLink {
  /** Its number on boards. */
  readonly number: number;
  /** What it said of itself, or how it ended. */
  problem: string | undefined;
  readonly #worker: Worker;
  readonly #bell = new Int32Array(new SharedArrayBuffer(4 * bellWord.count));
  #port: MessagePort;
  #posted = 0;
  #gone = false;

  constructor(data: Omit<HelperData, "port" | "bell">) {
    this.number = data.number;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#port.unref();
    const workerData: HelperData = { ...data, bell: this.#bell, port: port2 };
    this.#worker = new Worker(entry, { workerData, transferList: [port2], name: "holdfast-crew" });
    this.#worker.unref();
    this.#worker.on("error", (cause) => {
      this.problem ??= String(cause);
    });
    this.#worker.on("exit", () => {
      this.#gone = true;
    });
  }

  /** False if it ended, or will not take the task up soon. */
  post(task: TaskMessage): boolean {
    const waiting = this.#posted - Atomics.load(this.#bell, bellWord.taken);
    if (waiting >= maxWaiting || (waiting > 0 && !this.isAlive())) return false;
    this.#port.postMessage(task);
    this.#posted += 1;
    this.#ring();
    return !this.hasLeft;
  }

  /** Whether it ever took up a task. */
  get hasWorked(): boolean {
    return Atomics.load(this.#bell, bellWord.taken) > 0;
  }

  /** Whether it said goodbye, or is known to have ended. */
  get hasLeft(): boolean {
    return this.#gone || Atomics.load(this.#bell, bellWord.state) === bellState.left;
  }

  /**
   * Whether the thread can still run. Its port is closed when its environment is torn down, by the thread itself,
   * so this needs no event loop; that a port is closed shows when it cannot be sent away.
   */
  isAlive(): boolean {
    if (this.#gone) return false;
    this.listen();
    const { port1, port2 } = new MessageChannel();
    try {
      port1.postMessage(this.#port, [this.#port]);
      this.#port = receiveMessageOnPort(port2)?.message;
      this.#port.unref();
    } catch {
      this.#gone = true;
    } finally {
      port1.close();
    }
    return !this.#gone;
  }

  /** Takes in what it said. */
  listen(): void {
    for (;;) {
      const received: { message: HelperMessage } | undefined = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.problem ??= received.message.problem;
    }
  }

  /** The seat that it has, if any. */
  get claim(): Seat["claim"] | undefined {
    const seat = Atomics.load(this.#bell, bellWord.seat);
    return seat === 0 ? undefined : [seat - 1, Atomics.load(this.#bell, bellWord.until)];
  }

  /** Processor time up to its last task. */
  get cpuMs(): number {
    return Atomics.load(this.#bell, bellWord.cpuParts) / cpuPartsPerMs;
  }

  /** Asks it to leave after the slice in hand. */
  dismiss(): void {
    Atomics.compareExchange(this.#bell, bellWord.state, bellState.open, bellState.quitting);
    Atomics.notify(this.#bell, bellWord.state);
    this.#ring();
  }

  /** Ends the thread and waits for its end. */
  async end(): Promise<void> {
    this.dismiss();
    await this.#worker.terminate();
  }

  #ring(): void {
    Atomics.add(this.#bell, bellWord.rings, 1);
    Atomics.notify(this.#bell, bellWord.rings);
  }
}
