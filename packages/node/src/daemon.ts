/** The door of the command line: nodes and local networks on this machine. */
export { type DevnetHandle, type StartDevnetOptions, startDevnet } from "./devnet.ts";
export { type InitNodeOptions, initNode, type StartDaemonOptions, startDaemon } from "./start-daemon.ts";
