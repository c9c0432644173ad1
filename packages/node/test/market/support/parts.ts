/** The nodes of the market's test world, and how a world can be made. */
import type { Address, AttoFil, Logger } from "@holdfast/base";
import type { SimWire } from "@holdfast/base/testing";
import type { NetworkParams, SignedMessage } from "@holdfast/consensus";
import type { Database } from "../../../src/database.ts";
import type {
  ClientMarket,
  ClientMarketNeeds,
  MinerMarket,
  MinerMarketNeeds,
} from "../../../src/market/index.ts";
import type { Sender } from "../../../src/mempool/index.ts";
import type { Retrieval } from "../../../src/retrieval/index.ts";
import type { Keys } from "./keys.ts";
import type { HonestStorage } from "./storage.ts";

/** What a node is besides its market, and stays when the market is opened again. */
export interface Base {
  readonly wire: SimWire;
  readonly sender: Sender;
  readonly database: Database;
  readonly signer: ClientMarketNeeds["signer"];
}
export interface TestClient extends Base {
  readonly keys: Keys;
  readonly retrieval: Retrieval;
  readonly needs: ClientMarketNeeds;
  market: ClientMarket;
}
export interface TestMiner extends Base {
  readonly address: Address;
  readonly owner: Keys;
  readonly worker: Keys;
  readonly storage: HonestStorage;
  readonly needs: MinerMarketNeeds;
  market: MinerMarket;
  /** Switches of the sealer. */
  seals: boolean;
  proves: boolean;
}

/** A message in a block, of whichever branch. */
export interface MinedMessage {
  readonly method: string;
  readonly from: Address;
  readonly height: number;
  readonly exitCode: number;
  readonly signed: SignedMessage;
}

/** What an ask says besides its price; the shares in percent of it. */
export interface AskTerms {
  readonly maxBytes?: number;
  readonly ofProvider?: number;
  readonly ofClient?: number;
}

export interface WorldOptions {
  readonly miners?: number;
  readonly params?: Partial<NetworkParams>;
  /** attoFIL per byte and epoch of each miner; default: 10, 11, 12 … */
  readonly prices?: readonly bigint[];
  readonly ask?: AskTerms;
  readonly clientFunds?: AttoFil;
  readonly delayMs?: number;
  readonly logger?: Logger;
  /** By index, whose miner it is; default: each has an owner of its own. */
  readonly owners?: readonly number[];
  /** No asks at the start. */
  readonly silentMiners?: boolean;
}
