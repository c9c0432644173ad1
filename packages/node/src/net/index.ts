/** The network room: the wire over real sockets, and who may use it. */
export type { Ban, BanStore } from "./bans.ts";
export type { NetControl, NetCounts, PeerFacts } from "./control.ts";
export type { DialBack } from "./dial-back.ts";
export { netErrors } from "./errors.ts";
export { type Libp2pWireOptions, type NetWire, openLibp2pWire } from "./libp2p-wire.ts";
export type { NetLimits, NetNeeds } from "./needs.ts";
export type { Deed, Score, ScoreStore } from "./scores.ts";
export { openBanStore, openScoreStore } from "./store.ts";
