/** All that this node gives to others: streams of whole files, blocks by name, and what it asks for them. */
import type { AttoFil, CID, PeerId } from "@holdfast/base";
import { openDatabase } from "../database.ts";
import { openAnnouncer } from "./announce.ts";
import { serveBlocks } from "./block-server.ts";
import { openPieceIndex } from "./index/piece-index.ts";
import { openIndexStore } from "./index/store.ts";
import { type CarPlans, servedCars } from "./local-cars.ts";
import type { LocalFiles } from "./local-files.ts";
import type { RetrievalNeeds } from "./needs.ts";
import { openPurse, type Purse } from "./pay/purse.ts";
import { openPayStore, type RetrievalPolicy } from "./pay/store.ts";
import { openTill } from "./pay/till.ts";
import { openPulls } from "./pull.ts";
import { serveRetrieval } from "./server.ts";
import { ownerOf, receptionOf } from "./serving.ts";
import type { SwarmTools } from "./swarm.ts";

export interface ServiceView extends RetrievalPolicy {
  /** Whom channels have to pay; null: nobody can. */
  readonly payee: string | null;
  /** Of a miner's pieces, in the index. */
  readonly payloads: number;
  readonly blocks: number;
  /** What vouchers for blocks are over. */
  readonly earned: AttoFil;
  /** Fetched from others for others, since the start. */
  readonly pulledBytes: number;
}

export interface Gifts {
  /** Verified. */
  find(cid: CID): Promise<Uint8Array | undefined>;
  has(cid: CID): Promise<boolean>;
}

export interface Provider extends AsyncDisposable {
  readonly tools: SwarmTools;
  /** After the change. */
  service(change?: Partial<RetrievalPolicy>): ServiceView;
  /** Blocks that anybody may have; none while they have a price. */
  readonly gifts: Gifts;
  /** Resolves when all that was stored before is in the index. */
  indexed(): Promise<void>;
  /** A file has come to this node. */
  announce(root: CID): void;
}

/** Serves at once. */
export function openProvider(needs: RetrievalNeeds, files: LocalFiles, plans: CarPlans): Provider {
  const { wire, clock, logger, sources, payments, routing } = needs;
  const stack = new AsyncDisposableStack();
  const database = needs.database ?? stack.use(openDatabase(":memory:"));
  const store = openPayStore(database);
  const purse: Purse | undefined =
    payments === undefined ? undefined : stack.use(openPurse({ store, door: payments, logger }));
  const tools: SwarmTools = { wire, clock, logger, purse, routing, elsewhere: needs.elsewhere };
  const till = openTill({ store, door: payments });
  const index = stack.use(openPieceIndex({ store: openIndexStore(database), sources, logger }));
  const pulled = stack.use(
    openPulls({
      ...{ tools, files },
      mostPerByte: () => (store.policy().caches ? store.policy().mostPerByte : undefined),
      earned: () => till.earned(),
      providersOf: async () => peersOf(needs),
    }),
  );
  stack.use(
    serveBlocks({ wire, clock, logger, receive: receptionOf({ files, index, sources, till, pulled }) }),
  );
  stack.use(
    serveRetrieval({
      ...{ wire, clock, logger, open: servedCars(files, plans, sources, index) },
      isFree: (peer, payload) => till.price() === 0n || ownerOf(sources, peer, payload),
    }),
  );
  const roots = async function* (): AsyncGenerator<CID, void, undefined> {
    for (const { root, complete } of await files.list()) if (complete) yield root;
    await index.settled();
    yield* index.payloads();
  };
  const announcer = stack.use(openAnnouncer({ routing, clock, logger, roots }));
  for (const { onStored } of sources) {
    if (onStored !== undefined) stack.defer(onStored((payload) => announcer.add(payload)));
  }
  return {
    tools,
    service(change) {
      if (change !== undefined) store.setPolicy({ ...store.policy(), ...change });
      const { payloads, blocks } = index.count();
      const earned = till.earned();
      const payee = till.payee() ?? null;
      return { ...store.policy(), payee, payloads, blocks, earned, pulledBytes: pulled.pulledBytes };
    },
    gifts: {
      find: async (cid) =>
        till.price() === 0n ? ((await files.blocks.get(cid)) ?? index.block(cid)) : undefined,
      has: async (cid) => till.price() === 0n && ((await files.blocks.has(cid)) || index.has(cid)),
    },
    indexed: () => index.settled(),
    announce: (root) => announcer.add(root),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function peersOf({ peers }: RetrievalNeeds): readonly PeerId[] {
  return peers?.() ?? [];
}
