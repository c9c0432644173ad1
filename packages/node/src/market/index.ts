/**
 * The market: clients pay miners to keep files. One deal is one copy of one file at one miner. `put` is a job
 * of the client that survives restarts; the miner takes deals in, seals them and is paid as its proofs appear
 * on the chain. What either side says about a deal's state comes from the chain.
 */
export { marketErrors } from "./errors.ts";
export type {
  ClientMarketNeeds,
  MarketChain,
  MarketFiles,
  MarketRetrieval,
  MarketSender,
  MarketSigner,
  MarketStorage,
  MarketWire,
  MinerMarketNeeds,
} from "./needs.ts";
export type {
  ClientMarket,
  Deal,
  DealDetail,
  DealState,
  Explanation,
  MinerMarket,
  PutCopy,
  PutJob,
  PutReceipt,
  PutRequest,
  Quote,
  QuoteRequest,
  StoredCar,
  StoredFile,
} from "./types.ts";

import type { ClientMarketNeeds, MinerMarketNeeds } from "./needs.ts";
import type { ClientMarket, MinerMarket } from "./types.ts";

/** Resumes every unfinished job and serves the data of its deals. */
export declare function openClientMarket(needs: ClientMarketNeeds): ClientMarket;
/** Takes deals in and resumes those that are under way. `market/not-operator` without the worker's key. */
export declare function openMinerMarket(needs: MinerMarketNeeds): MinerMarket;
