/**
 * `holdfast up`: a whole network in one process. A stopped network goes on where it was: its clock is
 * set back by the time that it stood still, so that no proof was due meanwhile.
 */
import { mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { assert, silentLogger } from "@holdfast/base";
import { makeFolder } from "@holdfast/storage";
import { openChain, openLevelDatabase } from "./chain/index.ts";
import { shareClaims } from "./claims.ts";
import { realClock } from "./clock.ts";
import { type DevnetClassOptions, devnetProfile } from "./devnet-classes.ts";
import { createDevnet, isPinning, isVerifier, nodeNames, writeClockOffset } from "./devnet-genesis.ts";
import { shareExecutions } from "./executions.ts";
import { loadGenesis } from "./genesis.ts";
import { installNativeKernels } from "./kernels.ts";
import { lockRepo, type RepoLock, repoErrors, repoPaths } from "./repo/index.ts";
import type { PageFile } from "./rpc/index.ts";
import { type DaemonHandle, startDaemon } from "./start-daemon.ts";
import { openWorkers } from "./workers.ts";

export interface StartDevnetOptions extends DevnetClassOptions {
  /** Folder that keeps the network; a temporary one, removed at the end, if left out. */
  readonly state?: string;
  readonly roundMs: number;
  readonly miners: number;
  /** Nodes that verify idle space; the network counts it if there are any. */
  readonly verifiers?: number;
  /** Attested pinning nodes, by evidence of software. */
  readonly pinningNodes?: number;
  readonly apiPort: number;
  readonly version: string;
  /** What every node's API server shows to a person who opens it in a browser. */
  readonly pages?: readonly PageFile[];
  /** Processes of each miner that seal, prove and unseal; 0, when left out: threads that all nodes share. */
  readonly workerProcesses?: number;
  /** Ends the start with its reason, between two steps of a seal at the latest. */
  readonly signal?: AbortSignal;
}

export interface DevnetNode {
  readonly name: string;
  readonly role: "bootstrap" | "miner" | "verifier" | "pinning" | "client";
  readonly api: string;
  readonly token: string;
  readonly peerId: string;
  readonly repo: string;
  readonly address: string;
  readonly balanceFil: string;
}

export interface DevnetHandle extends AsyncDisposable {
  readonly network: string;
  readonly roundMs: number;
  readonly state: string;
  /** From the call to the moment at which every API answers. */
  readonly readyMs: number;
  readonly nodes: readonly DevnetNode[];
}

/** Errors: as `startDaemon`, the signal's reason; a running network holds the locks of its repos. */
export async function startDevnet(options: StartDevnetOptions): Promise<DevnetHandle> {
  const startedMs = performance.now();
  const { signal } = options;
  await installNativeKernels();
  signal?.throwIfAborted();
  devnetProfile(options); // refuses an unknown size before there is a folder
  await using stack = new AsyncDisposableStack();
  const state = options.state ?? (await mkdtemp(join(tmpdir(), "holdfast-")));
  if (options.state === undefined) stack.defer(() => rm(state, { recursive: true, force: true }));
  // Of two that start on one folder, one runs it; the other is told which.
  const lock = options.state === undefined ? undefined : stack.use(await lockFolder(state));
  const names = await existingNodes(state);
  if (names.length === 0) await makeNodes(options, state);
  else await continueClock(state, names);
  const own = stack.use(openWorkers({ sealingThreads: availableParallelism() }));
  // Five nodes that check and execute the same blocks do each of it once.
  const workers = { ...own, claims: shareClaims(own.claims) };
  const executions = shareExecutions();
  // The bootstrap node first: the others dial it.
  const [first, ...others] = names.length === 0 ? namesOf(options) : names;
  const start = (name: string): Promise<DaemonHandle> => {
    const listen = name === "client" ? { listen: `127.0.0.1:${options.apiPort}` } : {};
    const repo = join(state, name);
    return startDaemon({
      repo,
      version: options.version,
      workers,
      executions,
      // This process has the folder's lock and runs all its nodes.
      soleMiner: true,
      logFile: join(repo, "node.log"),
      workerProcesses: options.workerProcesses ?? 0,
      ...listen,
      ...(signal === undefined ? {} : { signal }),
      ...(options.pages === undefined ? {} : { pages: options.pages }),
    });
  };
  const running = first === undefined ? [] : [stack.use(await start(first))];
  const started = await Promise.allSettled(others.map(start));
  for (const one of started) if (one.status === "fulfilled") running.push(stack.use(one.value));
  for (const one of started) if (one.status === "rejected") throw one.reason;
  signal?.throwIfAborted();
  const [any] = running;
  assert(any !== undefined, "a network has at least one node");
  await lock?.announce(running.find(({ name }) => name === "client")?.api ?? any.api);
  const { params } = any.node.chain;
  const held = stack.move();
  return {
    network: params.name,
    roundMs: params.roundMs,
    state,
    readyMs: Math.round(performance.now() - startedMs),
    nodes: running.map(nodeOf),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const namesOf = ({ miners, verifiers, pinningNodes }: StartDevnetOptions): readonly string[] =>
  nodeNames(miners, verifiers, pinningNodes);

function roleOf(name: string): DevnetNode["role"] {
  if (name === "bootstrap") return "bootstrap";
  if (isVerifier(name)) return "verifier";
  if (isPinning(name)) return "pinning";
  return name.startsWith("miner-") ? "miner" : "client";
}

function nodeOf(handle: DaemonHandle): DevnetNode {
  const { name, api, token, peerId, repo, address, balanceFil } = handle;
  const role = roleOf(name);
  return { name, role, api, token, peerId, repo, address, balanceFil };
}

/** Makes the folder if there is none. Errors: `repo/unwritable`, `repo/locked`. */
async function lockFolder(state: string): Promise<RepoLock> {
  try {
    await makeFolder(state);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw repoErrors.unwritable({ path: state, detail }, cause);
  }
  return lockRepo(state);
}

/** Names of the repos in a network's folder, in the order of `nodeNames`. */
async function existingNodes(state: string): Promise<readonly string[]> {
  let entries: string[];
  try {
    entries = await readdir(state);
  } catch {
    return [];
  }
  const numbered = (kind: string): string[] => {
    const numberOf = (name: string): number => Number(new RegExp(`^${kind}-(\\d+)$`).exec(name)?.[1] ?? 0);
    return entries.filter((name) => numberOf(name) > 0).sort((a, b) => numberOf(a) - numberOf(b));
  };
  const names = [
    "bootstrap",
    ...numbered("miner"),
    ...numbered("verifier"),
    ...numbered("pinning"),
    "client",
  ];
  return names.filter((name) => entries.includes(name));
}

/** Made aside, so that a start which was cut off leaves no half-made node. */
async function makeNodes(options: StartDevnetOptions, state: string): Promise<void> {
  const aside = join(state, ".making");
  await rm(aside, { recursive: true, force: true });
  try {
    await createDevnet({ ...options, state: aside, clock: realClock() });
    options.signal?.throwIfAborted();
    for (const name of namesOf(options)) await rename(join(aside, name), join(state, name));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** The network's time goes on one round after its newest block. */
async function continueClock(state: string, names: readonly string[]): Promise<void> {
  const nextMs = Math.max(...(await Promise.all(names.map((name) => nextRoundMs(join(state, name))))));
  const offsetMs = Math.min(0, nextMs - Date.now());
  await Promise.all(names.map((name) => writeClockOffset(join(state, name), offsetMs)));
}

async function nextRoundMs(repo: string): Promise<number> {
  const paths = repoPaths(repo);
  await using database = await openLevelDatabase(paths.chain);
  // With the genesis: a start may have been cut off before there was a chain.
  const genesis = await loadGenesis(new Uint8Array(await readFile(paths.genesis)), database);
  const chain = await openChain({ database, genesis, logger: silentLogger });
  return (chain.head().blocks[0]?.timestampMs ?? 0) + chain.params.roundMs;
}
