/** What a node's metrics read of its rooms. */
import type { Clock, Wire } from "@holdfast/base";
import { readPowerOf } from "@holdfast/consensus";
import { isDatabaseSilent } from "@holdfast/storage";
import type { Chain } from "./chain/index.ts";
import type { Held } from "./held.ts";
import type { Mempool } from "./mempool/index.ts";
import type { MetricsSource } from "./metrics.ts";
import type { Mining } from "./mine/index.ts";
import type { HandlerNeeds } from "./rpc/index.ts";
import type { Sync } from "./sync/index.ts";

interface Measured {
  readonly chain: Chain;
  readonly sync: Sync;
  readonly clock: Clock;
  readonly wire: Wire;
  readonly mempool: Mempool;
  readonly mining: Mining | undefined;
  readonly miner: HandlerNeeds["miner"];
  readonly market: HandlerNeeds["market"];
  readonly held: () => readonly Held[];
}

export function metricsOf(rooms: Measured): MetricsSource {
  const { chain, sync, clock, wire, mempool, mining, miner, market, held } = rooms;
  return {
    height: () => chain.head().height,
    headAgeSeconds: () => (clock.nowMs() - (chain.head().blocks[0]?.timestampMs ?? 0)) / 1000,
    peers: () => wire.peers().length,
    syncCode: () => sync.state().code,
    pendingMessages: () => mempool.pending().length,
    powerBytes: () =>
      miner === undefined ? 0 : Number(readPowerOf(chain.store, chain.headState().state, miner.miner)),
    blocksWon: () => mining?.status().blocksWon ?? 0,
    sectors: async () => {
      try {
        return (await miner?.countSectors()) ?? {};
      } catch (error) {
        if (isDatabaseSilent(error)) return {}; // told by the metric beside it
        throw error;
      }
    },
    recordsAnswer: () => (miner?.recordsSilence() === undefined ? 1 : 0),
    deals: () => market.dealCounts(),
    held,
  };
}
