/**
 * The thread of a helper: loads the kernels, then sleeps until a task is posted, works as long as it has slices and
 * sleeps again. It leaves when it had nothing to do for a while, or is told to.
 */
import { receiveMessageOnPort, workerData } from "node:worker_threads";
import { assert } from "@holdfast/base";
import { curveKernel, installCurveKernel } from "../../src/curve/index.ts";
import { installCessKernel, installSpaceKernel } from "../../src/idle/index.ts";
import { installLayerKernel, layerKernel } from "../../src/layers/index.ts";
import { installTreeKernel, treeKernel } from "../../src/merkle/index.ts";
import { loadKernels, loadNativeKernels } from "../index.ts";
import { Board } from "./board.ts";
import * as ownKinds from "./kinds.ts";
import { Seat } from "./seats.ts";
import {
  bellState,
  bellWord,
  cpuPartsPerMs,
  type HelperData,
  type HelperMessage,
  type SliceKind,
  type SliceSteps,
  type TaskMessage,
} from "./wire.ts";

type Kinds = Readonly<Record<string, SliceKind<unknown>>>;

/** How often a helper that waits for a seat looks whether one is free. */
const seatPollMs = 20;

const { number, port, bell, seats, backend, native, setup, idleMs }: HelperData = workerData;

const problemOf = (cause: unknown): string =>
  cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
const complain = (problem: string): void => port.postMessage({ problem } satisfies HelperMessage);

/** Processor time of this thread. */
function cpuParts(): number {
  const { user, system } = process.threadCpuUsage();
  return Math.round(((user + system) / 1000) * cpuPartsPerMs);
}

async function prepare(): Promise<void> {
  if (setup !== null) await import(setup);
  const loaded = backend === "native" ? loadNativeKernels(native) : await loadKernels(backend);
  // Others would be right, but so slow that everybody waited for this thread.
  assert(loaded.backend === backend, loaded.reason ?? "the caller's kernels load here too");
  const { tree, curve, layers, space, cess } = loaded;
  installTreeKernel(tree);
  installCurveKernel(curve);
  installLayerKernel(layers);
  installSpaceKernel(space);
  installCessKernel(cess);
}

/** A seat, or undefined when the task ended before one was free. */
function seatFor(board: Board): Seat | undefined {
  for (;;) {
    const seat = Seat.take(seats);
    if (seat !== undefined || !board.isOpen) return seat;
    Atomics.wait(bell, bellWord.state, bellState.open, seatPollMs);
    if (Atomics.load(bell, bellWord.state) !== bellState.open) return undefined;
  }
}

/** Keeps a seat, and tells the caller, who frees it should this thread die. */
function keep(seat: Seat): void {
  seat.keep();
  const [index, until] = seat.claim;
  Atomics.store(bell, bellWord.seat, index + 1);
  Atomics.store(bell, bellWord.until, until);
}

/** A slice in steps; gives it back, and says false, when it is not wanted any more. */
function inSteps(board: Board, slice: number, steps: SliceSteps, seat: Seat): boolean {
  for (const ratio of steps) {
    keep(seat);
    board.tell(slice, ratio);
    if (isWanted(board)) continue;
    board.failed(slice); // leaves the loop, which ends the steps
    return false;
  }
  return true;
}

const isWanted = (board: Board): boolean =>
  !board.isClosed && Atomics.load(bell, bellWord.state) === bellState.open;

async function work({ module, name, input, board: words }: TaskMessage): Promise<void> {
  const board = new Board(words);
  if (!board.isOpen) return;
  const kinds: Kinds = module === null ? (ownKinds as unknown as Kinds) : await import(module);
  const { [name]: kind } = kinds;
  assert(kind !== undefined, `${module ?? "the crew"} has the slices ${name}`);
  const doSlice = kind.make({ tree: treeKernel, curve: curveKernel, layers: layerKernel }, input);
  const seat = seatFor(board);
  if (seat === undefined) return;
  try {
    for (let slice = board.take(number); slice !== undefined; slice = board.take(number)) {
      keep(seat);
      try {
        const steps = doSlice(slice);
        if (steps !== undefined && !inSteps(board, slice, steps, seat)) return;
      } catch (cause) {
        complain(problemOf(cause)); // before the caller hears of the slice, so that it can say why
        board.failed(slice);
        return;
      }
      Atomics.store(bell, bellWord.cpuParts, cpuParts());
      board.done(slice);
    }
  } finally {
    Atomics.store(bell, bellWord.seat, 0);
    seat.leave();
  }
}

async function serve(): Promise<void> {
  await prepare();
  while (Atomics.load(bell, bellWord.state) === bellState.open) {
    const rings = Atomics.load(bell, bellWord.rings);
    const received = receiveMessageOnPort(port);
    if (received !== undefined) {
      Atomics.add(bell, bellWord.taken, 1);
      await work(received.message).catch((cause) => complain(problemOf(cause)));
    } else if (Atomics.wait(bell, bellWord.rings, rings, idleMs) === "timed-out") return;
  }
}

await serve().catch((cause) => complain(problemOf(cause)));
Atomics.store(bell, bellWord.state, bellState.left);
port.close();
