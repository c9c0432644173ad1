/**
 * A crew: helper threads that do slices of a task beside the thread that has it. The caller works too, and waits for
 * what the others still hold, without its event loop. Helpers start with the first task that has use for them, sleep
 * between tasks and leave after a while; they end with their caller, whatever ends it.
 *
 * Invariant: a task is done when `finish` returns, even if every helper dies, fails or never starts; and no thread
 * touches its memory any more. The caller does again what was lost, so an error is that of the caller's own kernel.
 */
import { availableParallelism } from "node:os";
import type { RowsPass } from "../../src/merkle/index.ts";
import type { KernelBackend, NativeOptions } from "../index.ts";
import { Board, callerNumber } from "./board.ts";
import { HelperLink } from "./link.ts";
import { createSeats, freeSeat, Seat, sharedSeats } from "./seats.ts";
import type { DoSlice, SliceKind, SliceSteps, ThreadKernels } from "./wire.ts";

export interface CrewOptions {
  /** The caller's back end, which helpers load as well, and what its kernels are. */
  readonly backend: KernelBackend;
  readonly kernels: ThreadKernels;
  readonly native?: NativeOptions;
  /** Threads with the caller's; when left out as many as there are seats. 1: the caller works alone. */
  readonly threads?: number;
  /** Address (href) of a module that every helper imports first. */
  readonly setup?: string;
  /** A helper that had nothing to do for so long ends; 30 s when left out. */
  readonly idleMs?: number;
  /** Seats that helpers need to work; when left out those of the process, or else one for each processor. */
  readonly seats?: Int32Array;
  /** Helpers that died or failed; a warning of the process when left out. */
  readonly onLoss?: (problem: string) => void;
}

export interface Crew extends Disposable, AsyncDisposable {
  /** With the caller's. */
  readonly threads: number;
  /** Helpers that exist now. */
  readonly helperCount: number;
  /** Processor time that each of them has used, to tell how evenly they shared work with the caller. */
  readonly helperCpuMs: readonly number[];
  /** Begins a task on the helpers that are free. */
  start<Input>(kind: SliceKind<Input>, input: Input, slices: number): SlicePass;
  /** The same to the end. */
  run<Input>(kind: SliceKind<Input>, input: Input, slices: number): void;
}

/** A task that is being done. */
export type SlicePass = RowsPass;

/** How long the caller waits for a slice before it looks whether its helper lives. */
const probeMs = 50;
const defaultIdleMs = 30_000;
/** Helpers that ended before they took up a task, one after the other: the next would too. */
const mostFalseStarts = 3;

function warn(problem: string): void {
  process.emitWarning(`a helper of the kernels was lost, its work is done by its caller: ${problem}`, {
    code: "HOLDFAST_CREW",
  });
}

/** A crew for this thread. Starts no thread before the first task. */
export function createCrew(options: CrewOptions): Crew {
  return new Helpers(options);
}

class Helpers implements Crew {
  readonly threads: number;
  readonly #options: CrewOptions;
  readonly #seats: Int32Array;
  readonly #links = new Set<HelperLink>();
  #lastNumber = callerNumber;
  #falseStarts = 0;
  #ended = false;

  constructor(options: CrewOptions) {
    const seats = options.seats ?? sharedSeats();
    const { threads = seats?.length ?? availableParallelism() } = options;
    this.#seats = seats ?? createSeats(threads);
    this.threads = Math.max(1, threads);
    this.#options = options;
  }

  get helperCount(): number {
    return [...this.#links].filter(({ hasLeft }) => !hasLeft).length;
  }

  get helperCpuMs(): readonly number[] {
    return [...this.#links].map(({ cpuMs }) => cpuMs);
  }

  start<Input>(kind: SliceKind<Input>, input: Input, slices: number): SlicePass {
    const board = new Board(slices);
    const doSlice = kind.make(this.#options.kernels, input);
    const seat = Seat.take(this.#seats);
    const present = this.#present();
    const givenUp = this.#ended || this.#falseStarts >= mostFalseStarts;
    const wanted = givenUp ? 0 : Math.min(this.threads, slices) - 1;
    const message = { module: kind.module, name: kind.name, input, board: board.words };
    let posted = 0;
    for (const link of present) {
      if (posted < wanted && link.post(message)) posted += 1;
    }
    for (; posted < wanted && this.#links.size + 1 < this.threads; posted += 1) this.#hire().post(message);
    return new Pass(board, doSlice, this, seat);
  }

  run<Input>(kind: SliceKind<Input>, input: Input, slices: number): void {
    this.start(kind, input, slices).finish();
  }

  /** For passes: whether this helper is gone for good. */
  isLost(number: number): boolean {
    const link = [...this.#links].find((one) => one.number === number);
    if (link?.isAlive() === true) return false;
    if (link !== undefined) this.#lose(link);
    return true;
  }

  /** For passes: a helper gave a slice back. If the caller could not do it either, that is no fault of theirs. */
  heardFailure(isTheirs: boolean): void {
    for (const link of this.#links) {
      link.listen();
      if (link.problem === undefined) continue;
      if (isTheirs) this.#lose(link);
      else link.problem = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    for (const link of this.#links) link.dismiss();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await Promise.all([...this.#links].map((link) => link.end()));
  }

  #lose(link: HelperLink): void {
    this.#links.delete(link);
    link.dismiss();
    if (!link.isAlive() && link.claim !== undefined) freeSeat(this.#seats, link.claim);
    this.#falseStarts = link.hasWorked ? 0 : this.#falseStarts + 1;
    const last = this.#falseStarts === mostFalseStarts ? "; no other will be started" : "";
    (this.#options.onLoss ?? warn)(`${link.problem ?? "its thread ended"}${last}`);
  }

  /** Helpers that are there; those that left are forgotten, those that could not start are said to be lost. */
  #present(): readonly HelperLink[] {
    this.heardFailure(true);
    for (const link of this.#links) {
      if (link.hasLeft) this.#links.delete(link);
    }
    return [...this.#links];
  }

  #hire(): HelperLink {
    this.#lastNumber += 1;
    const { backend, native = {}, setup = null, idleMs = defaultIdleMs } = this.#options;
    const link = new HelperLink({
      number: this.#lastNumber,
      seats: this.#seats,
      backend,
      native,
      setup,
      idleMs,
    });
    this.#links.add(link);
    return link;
  }
}

class Pass implements SlicePass {
  readonly #board: Board;
  readonly #doSlice: DoSlice;
  readonly #helpers: Helpers;
  readonly #seat: Seat | undefined;
  /** The slice that the caller is in the middle of. */
  #own: { readonly slice: number; readonly steps: SliceSteps } | undefined;
  #ended = false;

  constructor(board: Board, doSlice: DoSlice, helpers: Helpers, seat: Seat | undefined) {
    this.#board = board;
    this.#doSlice = doSlice;
    this.#helpers = helpers;
    this.#seat = seat;
  }

  get doneRatio(): number {
    return this.#board.doneRatio;
  }

  advance(): boolean {
    if (this.#own !== undefined) this.#step();
    else {
      const slice = this.#board.take(callerNumber);
      if (slice === undefined) return false;
      this.#begin(slice);
    }
    return this.#own !== undefined || this.#board.isOpen;
  }

  finish(): void {
    while (this.advance());
    let isQuiet = false;
    while (this.#board.finished < this.#board.slices) {
      const seen = this.#board.changes;
      const lost = isQuiet ? (helper: number) => this.#helpers.isLost(helper) : undefined;
      const again = this.#board.retake(lost);
      if (again !== undefined) {
        this.#begin(again.slice);
        while (this.#own !== undefined) this.#step();
        if (again.failed) this.#helpers.heardFailure(true);
      } else if (this.#board.finished < this.#board.slices) isQuiet = !this.#board.wait(seen, probeMs);
    }
    this.#leave();
  }

  stop(): void {
    if (this.#ended) return;
    this.#own?.steps.return();
    this.#own = undefined;
    this.#board.close();
    let isQuiet = false;
    while (this.#board.isHeld) {
      const seen = this.#board.changes;
      const lost = isQuiet ? (helper: number) => this.#helpers.isLost(helper) : undefined;
      if (this.#board.retake(lost) === undefined) isQuiet = !this.#board.wait(seen, probeMs);
    }
    this.#leave();
  }

  #leave(): void {
    this.#ended = true;
    this.#seat?.leave();
  }

  #begin(slice: number): void {
    this.#seat?.keep();
    const steps = this.#orStop(() => this.#doSlice(slice));
    if (steps === undefined) this.#board.done(slice);
    else this.#own = { slice, steps };
  }

  #step(): void {
    if (this.#own === undefined) return;
    this.#seat?.keep();
    const { slice, steps } = this.#own;
    const step = this.#orStop(() => steps.next());
    if (step.done !== true) this.#board.tell(slice, step.value);
    else {
      this.#own = undefined;
      this.#board.done(slice);
    }
  }

  /** What the caller cannot do ends the task. */
  #orStop<Result>(act: () => Result): Result {
    try {
      return act();
    } catch (error) {
      this.stop();
      this.#helpers.heardFailure(false);
      throw error;
    }
  }
}
