/** The door of the command line: nodes and local networks on this machine. */
export { realClock } from "./clock.ts";
export { type DevnetHandle, type StartDevnetOptions, startDevnet } from "./devnet.ts";
export { createDevnet, type DevnetOptions } from "./devnet-genesis.ts";
export { type ImportChainOptions, importChain } from "./import-chain.ts";
export { type InitNodeOptions, initNode, type MadeNode } from "./init-node.ts";
export { type DaemonHandle, type StartDaemonOptions, startDaemon } from "./start-daemon.ts";
export { type StartWorkerOptions, startWorker, type WorkerHandle } from "./start-worker.ts";
