/** The network room: the wire over real sockets. */
export { netErrors } from "./errors.ts";
export { type Libp2pWireOptions, openLibp2pWire } from "./libp2p-wire.ts";
export type { NetLimits, NetNeeds } from "./needs.ts";
