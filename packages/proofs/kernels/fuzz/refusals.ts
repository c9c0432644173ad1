/**
 * What must be refused: real calls of the addon, taken down as they happen, made again with arguments changed: too
 * short, of another type, no number, negative, detached, shrunk, shared, misaligned, random, too few. Whatever comes,
 * the addon throws or answers; it never reads or writes beyond an array, which the sanitisers watch, and it throws at
 * what can be no argument at all.
 */
import type { KernelCalls } from "../machine.ts";
import type { Draw } from "./draw.ts";

type RawCall = (...args: unknown[]) => unknown;

export interface TakenCall {
  readonly name: string;
  readonly args: readonly unknown[];
}

export interface Recorder {
  /** The calls as they are, with one in a few taken down. */
  readonly calls: KernelCalls;
  /** What was taken down since the last time, the arrays copied. */
  readonly taken: () => readonly TakenCall[];
}

const mostTaken = 4;
/** Copies of larger arrays would take longer than what they show is worth. */
const mostBytes = 2 ** 16;

const isSmall = (arg: unknown): boolean => !(arg instanceof Uint8Array) || arg.length <= mostBytes;
const copyOf = (arg: unknown): unknown => (arg instanceof Uint8Array ? new Uint8Array(arg) : arg);

export function recorderOf(calls: KernelCalls): Recorder {
  let taken: TakenCall[] = [];
  const wrapped = Object.entries(calls).map(([name, call]: [string, RawCall]) => {
    const recorded: RawCall = (...args) => {
      if (taken.length < mostTaken && args.every(isSmall)) taken.push({ name, args: args.map(copyOf) });
      return call(...args);
    };
    return [name, recorded] as const;
  });
  return {
    calls: Object.fromEntries(wrapped) as unknown as KernelCalls,
    taken: () => {
      const all = taken;
      taken = [];
      return all;
    },
  };
}

/** An argument in the place of another, and whether the call must be refused with it. */
interface Change {
  readonly arg: unknown;
  readonly refused: boolean;
  /** It leaves out an array, so that others of the call may not be looked at. */
  readonly leavesOut?: boolean;
}

const noArguments = [undefined, null, "7", {}, [], 7n, Symbol("none"), () => 7] as const;

function detached(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  structuredClone(copy.buffer, { transfer: [copy.buffer] });
  return copy;
}

/** A view of a buffer that has become too short for it. */
function outgrown(bytes: Uint8Array): Uint8Array {
  const buffer = new ArrayBuffer(bytes.length + 8, { maxByteLength: bytes.length + 64 });
  const view = new Uint8Array(buffer, 8, bytes.length);
  view.set(bytes);
  buffer.resize(Math.floor(bytes.length / 2));
  return view;
}

function misaligned(bytes: Uint8Array, offset: number): Uint8Array {
  const view = new Uint8Array(new SharedArrayBuffer(bytes.length + offset), offset, bytes.length);
  view.set(bytes);
  return view;
}

function changedArray(draw: Draw, bytes: Uint8Array, others: readonly unknown[]): Change {
  const may = (arg: unknown): Change => ({ arg, refused: false });
  const must = (arg: unknown): Change => ({ arg, refused: true });
  const kinds: readonly [() => Change, ...(() => Change)[]] = [
    () => must(draw.pick(noArguments)),
    () => must(new Uint16Array(bytes.length)),
    () => must(new DataView(new ArrayBuffer(bytes.length + 1))),
    () => must(new ArrayBuffer(bytes.length)),
    () => may(bytes.subarray(0, draw.below(bytes.length + 1))),
    () => may(new Uint8Array(0)),
    () => may(detached(bytes)),
    () => may(outgrown(bytes)),
    () => may(misaligned(bytes, 1 + draw.below(8))),
    () => may(draw.bytes(bytes.length)),
    () => may(others.find((other) => other instanceof Uint8Array && other.length !== bytes.length) ?? bytes),
    () => ({ arg: draw.below(9), refused: false, leavesOut: true }),
  ];
  return draw.pick(kinds)();
}

const noNumbers = [
  ...noArguments,
  -1,
  -0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1.5,
  2 ** 33,
  2 ** 53,
] as const;

function changedNumber(draw: Draw, value: number): Change {
  if (draw.oneIn(2)) return { arg: draw.pick(noNumbers), refused: true };
  const arg = draw.pick([
    0,
    value + 1,
    Math.max(0, value - 1),
    2 * value,
    draw.below(40),
    2 ** 31,
    2 ** 32 - 1,
  ]);
  return { arg, refused: false };
}

function changed(
  draw: Draw,
  { args }: TakenCall,
): { readonly args: readonly unknown[]; readonly refused: boolean } {
  if (draw.oneIn(10)) return { args: args.slice(0, draw.below(args.length)), refused: true };
  let [refused, lenient] = [false, false];
  const originals = args.map(copyOf);
  const copy = [...originals];
  for (let many = 1 + draw.below(2); many > 0; many -= 1) {
    const at = draw.below(copy.length);
    const old = args[at];
    if (copy[at] !== originals[at]) continue; // changed already
    if (!(old instanceof Uint8Array) && typeof old !== "number") continue;
    const change = old instanceof Uint8Array ? changedArray(draw, old, originals) : changedNumber(draw, old);
    copy[at] = change.arg;
    // In the place of an array that may be left out stands 0, and any number means the same.
    refused ||= change.refused && old !== 0;
    lenient ||= change.leavesOut === true;
  }
  return { args: copy, refused: refused && !lenient };
}

/** Calls again, with changes; the complaint if one was answered that must be refused. */
export function complaintAbout(draw: Draw, calls: KernelCalls, call: TakenCall): string | undefined {
  const { args, refused } = changed(draw, call);
  const raw = calls[call.name as keyof KernelCalls] as RawCall;
  try {
    raw(...args);
  } catch (error) {
    const known = error instanceof RangeError || error instanceof TypeError;
    return known ? undefined : `${call.name} throws ${String(error)}`;
  }
  return refused ? `${call.name} answers ${args.map(described).join(", ")}` : undefined;
}

function described(arg: unknown): string {
  return arg instanceof Uint8Array ? `${arg.length} bytes` : String(arg);
}
