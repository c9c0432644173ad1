/** Messages on their way to the chain: the pool, and the service that sends this node's own. */
export { mempoolErrors, senderErrors } from "./errors.ts";
export { type Reason, type WaitReason, waitReasons } from "./explain.ts";
export type { MempoolChain, MempoolNeeds, MempoolWire, SenderNeeds, Signer } from "./needs.ts";
export { type Mempool, messageTopic, openMempool } from "./pool.ts";
export { type Mined, openSender, type Sender, type SendRequest } from "./sender.ts";
