/**
 * Fetching the blocks of one tree: who has its root is likely to have the rest. All connected peers are asked whether
 * they have a block that none of the known ones has; blocks are then asked of the one with the fewest under way, so
 * that quick peers give more. Invariant: a block is asked of each peer at most once in one call.
 */
import type { Cancel, CID, PeerId } from "@holdfast/base";
import { limits } from "../limits.ts";
import type { SwapNeeds } from "./needs.ts";

export interface SwapSession {
  /** The verified bytes, or undefined if no peer gives them. The signal's errors. */
  get(cid: CID, signal: Cancel): Promise<Uint8Array | undefined>;
  /** Who has given something, the most first. */
  givers(): readonly PeerId[];
}

export type AskPeer = (
  peer: PeerId,
  cids: readonly CID[],
  options: { readonly signal: Cancel; readonly idleMs: number; readonly have?: boolean },
) => Promise<ReadonlyMap<string, Uint8Array>>;

interface Haver {
  underWay: number;
  given: number;
}

export function openSession(
  needs: Pick<SwapNeeds, "wire">,
  ask: AskPeer,
  only: readonly PeerId[] | undefined,
): SwapSession {
  return new Session(needs, ask, only);
}

class Session implements SwapSession {
  readonly #wire: SwapNeeds["wire"];
  readonly #ask: AskPeer;
  readonly #only: readonly PeerId[] | undefined;
  readonly #havers = new Map<PeerId, Haver>();
  /** One search at a time: blocks that are missing at the same moment are mostly at the same place. */
  #searching: Promise<unknown> = Promise.resolve();

  constructor({ wire }: Pick<SwapNeeds, "wire">, ask: AskPeer, only: readonly PeerId[] | undefined) {
    this.#wire = wire;
    this.#ask = ask;
    this.#only = only;
  }

  async get(cid: CID, signal: Cancel): Promise<Uint8Array | undefined> {
    const asked = new Set<PeerId>();
    for (let tries = 0; tries < limits.swapPeers; tries += 1) {
      const peer = this.#next(asked) ?? (await this.#found(cid, asked, signal));
      if (peer === undefined) return undefined;
      asked.add(peer);
      const bytes = await this.#askOne(peer, cid, signal);
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  }
  givers(): readonly PeerId[] {
    return [...this.#havers]
      .filter(([, { given }]) => given > 0)
      .sort(([, a], [, b]) => b.given - a.given)
      .map(([peer]) => peer);
  }

  async #askOne(peer: PeerId, cid: CID, signal: Cancel): Promise<Uint8Array | undefined> {
    const haver = this.#havers.get(peer) ?? { underWay: 0, given: 0 };
    this.#havers.set(peer, haver);
    haver.underWay += 1;
    try {
      const found = await this.#ask(peer, [cid], { signal, idleMs: limits.swapBlockMs });
      const bytes = found.get(cid.toString());
      if (bytes !== undefined) haver.given += 1;
      else if (haver.given === 0) this.#havers.delete(peer);
      return bytes;
    } finally {
      haver.underWay -= 1;
    }
  }

  /** The known one with the fewest blocks under way. */
  #next(asked: ReadonlySet<PeerId>): PeerId | undefined {
    const connected = new Set(this.#wire.peers().map(({ id }) => id));
    return [...this.#havers]
      .filter(([peer]) => !asked.has(peer) && connected.has(peer))
      .sort(([, a], [, b]) => a.underWay - b.underWay || b.given - a.given)[0]?.[0];
  }

  #found(cid: CID, asked: ReadonlySet<PeerId>, signal: Cancel): Promise<PeerId | undefined> {
    const turn = this.#searching.then(() => this.#next(asked) ?? this.#search(cid, asked, signal));
    this.#searching = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves with the first that says it has the block. */
  async #search(cid: CID, asked: ReadonlySet<PeerId>, signal: Cancel): Promise<PeerId | undefined> {
    const among = this.#only ?? this.#wire.peers().map(({ id }) => id);
    const options = { signal, idleMs: limits.exchangeProbeMs, have: true };
    const answers = among
      .filter((peer) => !asked.has(peer))
      .slice(0, limits.swapPeers)
      .map(async (peer) => {
        const found = await this.#ask(peer, [cid], options);
        if (!found.has(cid.toString())) throw new TypeError("it does not have it");
        return peer;
      });
    const peer = await Promise.any(answers).catch(() => undefined);
    signal.throwIfAborted();
    return peer;
  }
}
