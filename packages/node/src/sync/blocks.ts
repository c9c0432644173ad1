/**
 * Single blocks of the chain: headers, messages, nodes of states and of Merkle trees. Peers are asked one after the
 * other, the most useful first, and judged by what they give; what is served is bounded by each peer's share.
 */
import type { Cancel, CID, PeerId } from "@holdfast/base";
import { limits } from "../limits.ts";
import type { ServingGate } from "../serving-gate.ts";
import type { Asker } from "./ask.ts";
import type { SyncNeeds } from "./needs.ts";
import type { PeerScores } from "./scores.ts";
import { partOfChain } from "./singles.ts";

export interface ChainBlocksNeeds extends Pick<SyncNeeds, "chain" | "wire" | "clock" | "swap"> {
  readonly gate: ServingGate;
  readonly scores: PeerScores;
  readonly asker: Asker;
}

export class ChainBlocks {
  readonly #needs: ChainBlocksNeeds;
  readonly #endings: (() => void)[];

  constructor(needs: ChainBlocksNeeds) {
    this.#needs = needs;
    const { swap, chain, gate, asker } = needs;
    const find = (cid: CID, peer: PeerId): Uint8Array | undefined => {
      if (!gate.affords(peer)) return undefined;
      const bytes = partOfChain(chain, cid);
      if (bytes !== undefined) gate.spend(peer, bytes.length);
      return bytes;
    };
    this.#endings = [swap.serve({ find }), swap.onLie((peer, detail) => asker.lied(peer, detail))];
  }

  end(): void {
    for (const end of this.#endings.splice(0)) end();
  }

  /**
   * Blocks by their CIDs; those that nobody has are left out. At most `swapEntries` at a time. Peers are asked one
   * after the other, from the n-th best on, so that who asks for much at a time spreads it.
   */
  async fetch(cids: readonly CID[], signal: Cancel, first = 0): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    const { wire, scores } = this.#needs;
    const ranked = scores.rank(wire.peers().map(({ id }) => id));
    const at = ranked.length === 0 ? 0 : first % ranked.length;
    for (const peer of [...ranked.slice(at), ...ranked.slice(0, at)]) {
      const missing = cids.slice(0, limits.swapEntries).filter((cid) => !found.has(cid.toString()));
      if (missing.length === 0) break;
      for (const [name, bytes] of await this.#fetchFrom(peer, missing, signal)) found.set(name, bytes);
    }
    return found;
  }

  async #fetchFrom(
    peer: PeerId,
    cids: readonly CID[],
    signal: Cancel,
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    const { clock, swap, asker } = this.#needs;
    const startedMs = clock.nowMs();
    const timeoutMs = limits.exchangeProbeMs;
    const found = await swap.ask(peer, cids, { signal, idleMs: timeoutMs, timeoutMs });
    const tookMs = clock.nowMs() - startedMs;
    asker.judge(peer, found.size > 0 ? "useful" : "useless", { detail: `${found.size} blocks`, tookMs });
    return found;
  }
}
