/**
 * The bench on which the wire suite works: three wires, ways to wait for them, and the moves that many cases
 * share. Nothing here waits for a fixed time: the network works in small steps until something has happened.
 */
import { concatBytes } from "../../bytes.ts";
import { assert } from "../../errors.ts";
import type { PeerId, Wire, WireStream } from "../../seams/types.ts";

export interface WiresUnderTest {
  /** As many as were asked for; none is connected. */
  readonly wires: readonly Wire[];
  /** Lets the network work for a moment (some 20 ms on real sockets). */
  readonly settle: () => Promise<void>;
  /** An address of the right form at which nobody answers. */
  readonly deadAddress: string;
  /** A peer that nobody has heard of. */
  readonly strangePeer: PeerId;
  /** Bytes that certainly fill every buffer between two wires. */
  readonly overfullBytes: number;
  readonly dispose?: () => Promise<void>;
}

/** Three wires and what the cases do with them. */
export interface WireBench {
  readonly a: Wire;
  readonly b: Wire;
  readonly c: Wire;
  readonly under: WiresUnderTest;
  /** The promise's value; fails if it does not settle in many steps. */
  soon<T>(promise: PromiseLike<T>): Promise<T>;
  /** Lets the network work until the condition holds; says whether it does. */
  until(condition: () => boolean): Promise<boolean>;
  /** Lets the network work for so long that whatever would come has come. */
  quiet(): Promise<void>;
}

export type WireCase = (name: string, body: (bench: WireBench) => Promise<void>) => void;

const stepsUntilGivingUp = 300;
const quietSteps = 15;

export function benchOf(under: WiresUnderTest): WireBench {
  const [a, b, c] = under.wires;
  assert(a !== undefined && b !== undefined && c !== undefined, "three wires were made");
  const until = async (condition: () => boolean): Promise<boolean> => {
    for (let step = 0; step < stepsUntilGivingUp && !condition(); step++) await under.settle();
    return condition();
  };
  const soon = async <T>(promise: PromiseLike<T>): Promise<T> => {
    let settled = false;
    const watch = (): void => {
      settled = true;
    };
    promise.then(watch, watch);
    assert(await until(() => settled), "the promise settles");
    return promise;
  };
  const quiet = async (): Promise<void> => {
    for (let step = 0; step < quietSteps; step++) await under.settle();
  };
  return { a, b, c, under, until, soon, quiet };
}

/** `from` dials `to`, and both know of each other afterwards. */
export async function join(bench: WireBench, from: Wire, to: Wire): Promise<void> {
  const [address] = to.addresses();
  assert(address !== undefined, "a wire has an address");
  await bench.soon(from.connect(address));
  assert(await bench.until(() => knows(to, from)), "the other side learns of the connection");
}

export function knows(wire: Wire, other: Wire): boolean {
  return wire.peers().some(({ id }) => id === other.self);
}

/** A stream from `from` to `to`, both ends. */
export async function openPair(
  bench: WireBench,
  from: Wire,
  to: Wire,
  protocol = "/test/1.0.0",
): Promise<{ readonly near: WireStream; readonly far: WireStream; readonly done: (error?: Error) => void }> {
  const { promise, resolve } = Promise.withResolvers<WireStream>();
  const end = Promise.withResolvers<void>();
  const remove = to.handle(protocol, async (stream) => {
    resolve(stream);
    await end.promise;
  });
  const near = await bench.soon(from.open(to.self, protocol));
  const far = await bench.soon(promise);
  remove();
  const done = (error?: Error): void => (error === undefined ? end.resolve() : end.reject(error));
  return { near, far, done };
}

/** Reads until the other side has closed its end. */
export async function readAll(stream: WireStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = await stream.read();
    if (part === undefined) return concatBytes(...parts);
    parts.push(part);
  }
}
