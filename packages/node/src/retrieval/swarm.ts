/**
 * Blocks from several providers at once. Every block that is wanted waits in one queue; a provider with room in its
 * window takes the next that it does not miss, so that the faster ones give more. What a provider that fails owed goes
 * back to the front. Free providers come first; one that wants money is paid only if no free one has the root, and
 * never more than the budget.
 */
import { type CID, type Clock, HoldfastError, type Logger, type PeerId } from "@holdfast/base";
import { limits } from "../limits.ts";
import type { BlockStream, StreamTools } from "./block-stream.ts";
import { retrievalErrors } from "./errors.ts";
import type { ContentRouting, RetrievalNeeds } from "./needs.ts";
import type { Purse } from "./pay/purse.ts";
import { type SeatRequest, Seats } from "./seats.ts";
import { cidKey } from "./walk.ts";

export interface SwarmTools extends StreamTools {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined: only what is free. */
  readonly purse: Purse | undefined;
  /** Undefined: only those that are named are asked. */
  readonly routing: ContentRouting | undefined;
  /** See `RetrievalNeeds`. */
  readonly elsewhere?: RetrievalNeeds["elsewhere"] | undefined;
}

/** A leaf of a file, as nearly all programs make them. */
const usualBlockBytes = 262_144n;

interface Want {
  readonly cid: CID;
  readonly key: string;
  readonly settled: PromiseWithResolvers<Uint8Array>;
  /** Providers that do not have it. */
  readonly missedBy: Set<PeerId>;
  /** Who was asked, and when the first of them was. */
  readonly askedOf: Set<PeerId>;
  sinceMs: number;
}

/** A provider that gives blocks. */
interface Seat {
  readonly stream: BlockStream;
  readonly owed: Map<string, Want>;
  isOver: boolean;
}

export interface SwarmShare {
  readonly peer: PeerId;
  readonly receivedBytes: number;
}

export class Swarm implements AsyncDisposable {
  readonly #tools: SwarmTools;
  readonly #request: SeatRequest;
  readonly #seats = new Set<Seat>();
  readonly #providers: Seats;
  readonly #stop = new AbortController();
  /** All that is wanted and has not come, in its order. */
  readonly #wants = new Map<string, Want>();
  readonly #from = new Map<PeerId, number>();
  readonly #work = new Set<Promise<void>>();
  #isGathering = false;

  constructor(tools: SwarmTools, request: SeatRequest) {
    this.#tools = tools;
    this.#request = request;
    this.#providers = new Seats(tools, request, this.#stop.signal);
    this.#track(this.#watchLate());
  }

  /** From whom how much has come. */
  get shares(): readonly SwarmShare[] {
    return [...this.#from].map(([peer, receivedBytes]) => ({ peer, receivedBytes }));
  }

  /**
   * The verified bytes of a block; the same for all who ask meanwhile. `retrieval/no-provider`, `/price-above-max`,
   * `/closed`.
   */
  block(cid: CID): Promise<Uint8Array> {
    const key = cidKey(cid);
    const known = this.#wants.get(key);
    if (known !== undefined) return known.settled.promise;
    if (this.#stop.signal.aborted) return Promise.reject(this.#stop.signal.reason);
    const want: Want = {
      ...{ cid, key, settled: Promise.withResolvers<Uint8Array>() },
      ...{ missedBy: new Set<PeerId>(), askedOf: new Set<PeerId>(), sinceMs: this.#tools.clock.nowMs() },
    };
    want.settled.promise.catch(() => undefined); // whoever asked may have left
    this.#wants.set(key, want);
    this.#deal();
    return want.settled.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = retrievalErrors.ended({});
    const seats = [...this.#seats];
    for (const want of this.#wants.values()) want.settled.reject(ended);
    this.#wants.clear();
    // What has come is paid for before the streams end.
    await Promise.allSettled(seats.map(({ stream }) => stream.leave()));
    this.#stop.abort(ended);
    await Promise.allSettled([...this.#work]);
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work.catch(() => undefined).then(() => void this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  /** Hands out what waits, and looks for more providers where some could help. */
  #deal(): void {
    if (this.#stop.signal.aborted) return;
    for (const seat of this.#seats) this.#fill(seat);
    const idle = [...this.#wants.values()].some((want) => want.askedOf.size === 0);
    if (idle && this.#seats.size < limits.retrievalSeats) this.#gather();
  }

  #fill(seat: Seat): void {
    const room = this.#roomOf(seat);
    if (room <= 0) return;
    const { stream } = seat;
    const chosen: Want[] = [];
    for (const want of this.#wants.values()) {
      if (chosen.length >= room) break;
      if (want.askedOf.size > 0 || want.missedBy.has(stream.peer)) continue;
      chosen.push(want);
    }
    this.#ask(seat, chosen);
  }

  /** Blocks that it may be asked for: towards the end of the budget one after the other. */
  #roomOf(seat: Seat): number {
    const { isOver, owed, stream } = seat;
    if (isOver) return 0;
    const room = limits.retrievalWindow - owed.size;
    const price = stream.terms.pricePerByte;
    if (price === 0n) return room;
    const left = this.#request.budget.left();
    if (left === 0n && owed.size === 0 && this.#wants.size > 0) this.#fail(this.#providers.spent());
    const cost = price * usualBlockBytes;
    const deposit = stream.depositLeft ?? left;
    if (deposit < cost && left >= cost && owed.size === 0 && this.#wants.size > 0) return this.#topUp(seat);
    const affordable = Number(left / cost) - this.#paidOwed();
    const inChannel = Number(deposit / cost) - owed.size;
    return Math.min(room, Math.max(Math.min(affordable, inChannel), left > 0n && owed.size === 0 ? 1 : 0));
  }

  /** Blocks that are on their way and cost money, of all seats: they share one budget. */
  #paidOwed(): number {
    const paid = [...this.#seats].filter(({ stream }) => stream.terms.pricePerByte > 0n);
    return paid.reduce((sum, { owed }) => sum + owed.size, 0);
  }

  /** Its channel is spent, and there is more to pay with: it is greeted anew. */
  #topUp(seat: Seat): 0 {
    seat.isOver = true;
    this.#seats.delete(seat);
    const { stream } = seat;
    this.#track(stream.leave().finally(() => this.#providers.release(stream.peer)));
    return 0;
  }

  #ask(seat: Seat, wants: readonly Want[]): void {
    if (wants.length === 0) return;
    for (const want of wants) {
      want.askedOf.add(seat.stream.peer);
      want.sinceMs = this.#tools.clock.nowMs();
      seat.owed.set(want.key, want);
    }
    this.#track(seat.stream.want(wants.map(({ cid }) => cid)).catch((error) => this.#lose(seat, error)));
  }

  /** Brings providers to their seats until there are enough, or nobody is left. */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#track(
      this.#seatOne()
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          this.#isGathering = false;
        })
        .then((isSeated) => {
          if (isSeated === true) this.#deal();
        }),
    );
  }
  /** Whether one more provider gives blocks now. */
  async #seatOne(): Promise<boolean> {
    const stream = await this.#providers.next(() => this.#isServed());
    if (stream === undefined) {
      if (!this.#isServed()) this.#fail(this.#providers.nobodyLeft());
      return false;
    }
    const seat: Seat = { stream, owed: new Map(), isOver: false };
    this.#seats.add(seat);
    this.#track(this.#receive(seat));
    return true;
  }

  /** Whether for all that is wanted somebody is seated who may have it. */
  #isServed(): boolean {
    const peers = [...this.#seats].map(({ stream }) => stream.peer);
    return (
      peers.length > 0 &&
      [...this.#wants.values()].every(({ missedBy }) => peers.some((peer) => !missedBy.has(peer)))
    );
  }

  async #receive(seat: Seat): Promise<void> {
    const { stream } = seat;
    const { peer } = stream;
    try {
      for (;;) {
        const arrival = await stream.next();
        const want = this.#wants.get(arrival.key);
        seat.owed.delete(arrival.key);
        if (arrival.kind === "block") {
          this.#providers.praise(peer);
          this.#from.set(peer, (this.#from.get(peer) ?? 0) + arrival.bytes.length);
          this.#wants.delete(arrival.key);
          want?.settled.resolve(arrival.bytes);
        } else if (want !== undefined) {
          this.#missed(want, peer);
        }
        this.#deal();
      }
    } catch (error) {
      this.#lose(seat, error);
    }
  }

  /** Others may have it; if all have said no, it is nowhere. */
  #missed(want: Want, peer: PeerId): void {
    want.askedOf.delete(peer);
    want.missedBy.add(peer);
    if (this.#providers.canAnyGive(want.missedBy)) return;
    this.#wants.delete(want.key);
    const { root } = this.#request;
    want.settled.reject(retrievalErrors.missingBlock({ root: root.toString(), cid: want.cid.toString() }));
  }

  #lose(seat: Seat, error: unknown): void {
    if (seat.isOver) return;
    seat.isOver = true;
    this.#seats.delete(seat);
    const { peer } = seat.stream;
    seat.stream.end(error instanceof Error ? error : retrievalErrors.ended({}));
    for (const want of seat.owed.values()) want.askedOf.delete(peer);
    if (this.#stop.signal.aborted) return;
    const detail = error instanceof HoldfastError ? error.code : String(error);
    if (seat.owed.size === 0 && detail === "wire/stream-aborted") {
      this.#providers.release(peer); // nothing was asked of it for a while
    } else {
      this.#providers.blame(peer, error);
      this.#tools.logger.warn("retrieval failed", { root: this.#request.root.toString(), peer, detail });
    }
    this.#deal();
  }
  #fail(error: unknown): void {
    for (const want of this.#wants.values()) want.settled.reject(error);
    this.#wants.clear();
  }

  /** Asks another provider that has nothing to do for what one owes for long. */
  async #watchLate(): Promise<void> {
    const { clock } = this.#tools;
    for (;;) {
      await clock.sleep(limits.retrievalLateMs, this.#stop.signal);
      const lateMs = clock.nowMs() - limits.retrievalLateMs;
      for (const seat of this.#seats) {
        const room = this.#roomOf(seat);
        // Twice would be paid twice.
        if (room <= 0 || seat.stream.terms.pricePerByte > 0n) continue;
        const late = [...this.#wants.values()].filter(
          ({ sinceMs, askedOf, missedBy }) =>
            askedOf.size === 1 &&
            sinceMs <= lateMs &&
            !askedOf.has(seat.stream.peer) &&
            !missedBy.has(seat.stream.peer),
        );
        this.#ask(seat, late.slice(0, room));
      }
    }
  }
}
