/** The network room: the wire over real sockets, and who may use it. */
export type { Ban, BanStore } from "./bans.ts";
export type { NetControl, NetCounts, PeerFacts } from "./control.ts";
export { netErrors } from "./errors.ts";
export { type Libp2pWireOptions, type NetWire, openLibp2pWire } from "./libp2p-wire.ts";
export type { NetLimits, NetNeeds } from "./needs.ts";
export type { Deed, Score } from "./scores.ts";
export { openBanStore } from "./store.ts";
