/**
 * A whole storage network inside one process, for tests: real chain, real proofs, real deals, on virtual
 * time, a simulated wire and memory. It starts in less than a second, runs as fast as the machine can,
 * and is the same for the same seed. After every tipset of every node all money is added up, exactly.
 *
 *   await using net = await createNetwork({ miners: 3 });
 *   const { cid } = await net.put(new Uint8Array(5000).fill(7), { copies: 2 });
 *   await net.advance("10m");
 *   const bytes = await net.get(cid);
 */

import { assert, type CID, parseCid, parseDurationMs } from "@holdfast/base";
import type { SimClock, SimNet } from "@holdfast/base/testing";
import { type MoneyReport, moneyInvariant } from "@holdfast/consensus";
import { buildNodes, type NetworkOptions, type TestNode } from "./nodes.ts";
import { type PutView, runPut } from "./put.ts";

export { openLevelDatabase } from "../chain/index.ts";
export { createClaimPool } from "../claim-pool.ts";
export type { Claim, ClaimChecker } from "../claims.ts";
export {
  type Account,
  createLongRun,
  type LongNode,
  type LongRun,
  type LongRunOptions,
} from "./long-run.ts";
export { fixturePlace, type NetworkOptions, type TestNode } from "./nodes.ts";
export * from "./sim/index.ts";

/** How `put` of the fixture stores a file. */
export interface PutOptions {
  readonly copies?: number;
  /** How long the file is kept, such as "1h". */
  readonly for?: string;
  readonly name?: string;
  /** Virtual time after which the put counts as stuck. */
  readonly limitMs?: number;
}

export interface TestNetwork extends AsyncDisposable {
  readonly seed: string;
  readonly clock: SimClock;
  readonly wire: SimNet;
  readonly nodes: readonly TestNode[];
  readonly client: TestNode;
  readonly miners: readonly TestNode[];
  /** Lets virtual time pass: milliseconds, or a duration such as "30d". */
  advance(time: number | string): Promise<void>;
  /** Lets time pass until `done` holds; says whether it does within `limitMs`. */
  advanceUntil(done: () => boolean, limitMs: number): Promise<boolean>;
  /** Lets time pass until the promise settles. */
  settle<Result>(promise: Promise<Result>, limitMs?: number): Promise<Result>;
  /** Stores bytes from the client; resolves when they are proven and read back. */
  put(bytes: Uint8Array, options?: PutOptions): Promise<{ readonly cid: CID; readonly job: PutView }>;
  /** The file's bytes, fetched and verified by this node (default: the client). */
  get(cid: CID | string, node?: TestNode): Promise<Uint8Array>;
  /** The exact account of all money at the client's head. */
  money(): MoneyReport;
}

const putLimitMs = 3_600_000;

/**
 * Errors: as of the rooms of a node, `state/money-not-conserved`. A failing test should print `seed`, which
 * replays it.
 */
export async function createNetwork(options: NetworkOptions = {}): Promise<TestNetwork> {
  await using stack = new AsyncDisposableStack();
  const { clock, wire, nodes, seed, faults } = await buildNodes(options, stack);
  const client = nodes.find(({ role }) => role === "client");
  assert(client !== undefined, "a network has a client");
  const { atRest } = options;
  const drain = async (): Promise<void> => {
    await hostDrain();
    await atRest?.();
  };
  /** No result of a network that made or lost money. */
  const audited = async <Result>(time: Promise<Result>): Promise<Result> => {
    const result = await time;
    if (faults.length > 0) throw faults[0];
    return result;
  };
  const settle = <Result>(promise: Promise<Result>, limitMs = putLimitMs): Promise<Result> =>
    audited(clock.settle(promise, { limitMs, drain }));
  const held = stack.move();
  return {
    seed,
    clock,
    wire,
    nodes,
    client,
    miners: nodes.filter(({ role }) => role === "miner"),
    advance: (time) => audited(clock.advance(typeof time === "number" ? time : parseDurationMs(time), drain)),
    advanceUntil: (done, limitMs) => audited(clock.advanceUntil(done, { limitMs, drain })),
    settle,
    put: (bytes, given = {}) => settle(runPut(client, bytes, given), given.limitMs ?? putLimitMs),
    get: (cid, node = client) => settle(readAll(node, typeof cid === "string" ? parseCid(cid) : cid)),
    money() {
      const { chain } = client.node;
      return moneyInvariant(chain.store, chain.headState().state, chain.genesisTotal);
    },
    async [Symbol.asyncDispose]() {
      // Whoever waits for a round while it stops is let through by the passing of time.
      await settle(held.disposeAsync());
    },
  };
}

async function readAll(node: TestNode, cid: CID): Promise<Uint8Array> {
  const file = await node.node.files.openFile(
    cid.toString(),
    { offsetBytes: 0 },
    new AbortController().signal,
  );
  const parts: Uint8Array[] = [];
  for await (const part of file.bytes) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

/** Between two instants of virtual time everything that was started comes to rest. */
async function hostDrain(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((done) => setImmediate(done));
}
