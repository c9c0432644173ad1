/**
 * Shares of the gossip validation, so that no neighbour can fill it: each may send so many messages a second, with
 * a reserve for bursts, and have so many under examination; all together have a bound, too.
 */
import type { Clock } from "@holdfast/base";

export interface Shares {
  /** Messages of one neighbour in a second, on average. */
  readonly gossipMessagesPerSecond: number;
  /** Messages of one neighbour at once. */
  readonly gossipBurst: number;
  /** Messages under examination, and those of one neighbour. */
  readonly gossipValidations: number;
  readonly gossipValidationsPerPeer: number;
}

interface Account {
  tokens: number;
  atMs: number;
  running: number;
}

export class GossipShares {
  readonly #clock: Clock;
  readonly #shares: Shares;
  readonly #accounts = new Map<string, Account>();
  #running = 0;

  constructor(clock: Clock, shares: Shares) {
    this.#clock = clock;
    this.#shares = shares;
  }

  /** "over": the neighbour sends too much; "busy": there is no room now, through no fault of its own. */
  enter(peer: string): "in" | "over" | "busy" {
    const { gossipBurst, gossipMessagesPerSecond, gossipValidations, gossipValidationsPerPeer } =
      this.#shares;
    const nowMs = this.#clock.nowMs();
    const account = this.#accounts.get(peer) ?? { tokens: gossipBurst, atMs: nowMs, running: 0 };
    this.#accounts.set(peer, account);
    const grownBy = (Math.max(0, nowMs - account.atMs) / 1000) * gossipMessagesPerSecond;
    account.tokens = Math.min(gossipBurst, account.tokens + grownBy);
    account.atMs = nowMs;
    if (account.tokens < 1) return "over";
    account.tokens -= 1;
    if (this.#running >= gossipValidations || account.running >= gossipValidationsPerPeer) return "busy";
    account.running += 1;
    this.#running += 1;
    return "in";
  }
  leave(peer: string): void {
    const account = this.#accounts.get(peer);
    if (account !== undefined) account.running -= 1;
    this.#running -= 1;
  }
  /** Of a neighbour that has left; it begins with a full reserve the next time, which costs it a connection. */
  forget(peer: string): void {
    const account = this.#accounts.get(peer);
    if (account !== undefined && account.running === 0) this.#accounts.delete(peer);
  }
}
