/**
 * The market: clients pay miners to keep files. One deal is one copy of one file at one miner. `put` is a job
 * of the client that survives restarts; the miner takes deals in, seals them and is paid as its proofs appear
 * on the chain. What either side says about a deal's state comes from the chain.
 */
export { openClientMarket } from "./client/index.ts";
export {
  answerSigningBytes,
  dealAnswerCodec,
  dealIdOf,
  dealQueryCodec,
  proposeProtocol,
  queryProtocol,
  signedProposalCodec,
} from "./deal.ts";
export { marketErrors } from "./errors.ts";
export { openMinerMarket } from "./miner/index.ts";
export type {
  ClientMarketNeeds,
  FetchWeb,
  MarketChain,
  MarketFiles,
  MarketRetrieval,
  MarketSender,
  MarketSigner,
  MarketStorage,
  MarketWire,
  MinerMarketNeeds,
  SectorFilling,
} from "./needs.ts";
export type { DealPolicy } from "./policy.ts";
export { dealRefusals } from "./refusals.ts";
export { taskFailed } from "./tasks.ts";
export type {
  ChangeRequest,
  ClientMarket,
  Deal,
  DealChange,
  DealDetail,
  DealState,
  Explanation,
  KeepRequest,
  MinerMarket,
  MinerTerms,
  PutCopy,
  PutJob,
  PutReceipt,
  PutRequest,
  Quote,
  QuoteRequest,
  StoredCar,
  StoredFile,
  TermsRequest,
} from "./types.ts";
