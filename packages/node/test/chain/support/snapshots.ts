/** What tests of the chain's store share: snapshots of a test network, and databases to begin with. */
import { type CID, silentLogger } from "@holdfast/base";
import type { FullBlock } from "@holdfast/consensus";
import type { TestNetwork } from "@holdfast/node/testing";
import { createVerifier, verifyStatement } from "@holdfast/proofs/verify";
import { DigestSet } from "../../../src/chain/digest-set.ts";
import {
  type ChainDatabase,
  type Checkpoint,
  type ImportedSnapshot,
  importSnapshot,
  memoryDatabase,
  planSnapshot,
  type SnapshotRequest,
  type StoredChain,
  snapshotBytes,
} from "../../../src/chain/index.ts";
import { walk } from "../../../src/chain/walk.ts";
import { aloneExecutions } from "../../../src/executions.ts";
import { createHeaderPass } from "../../../src/header-pass.ts";
import { createProofPass } from "../../../src/proof-pass.ts";
import { createValidator } from "../../../src/sync/index.ts";

export async function exportedFrom(net: TestNetwork, request: SnapshotRequest = {}): Promise<Uint8Array> {
  const { chain } = net.client.node;
  const parts: Uint8Array[] = [];
  const all = (async () => {
    for await (const part of snapshotBytes(chain, planSnapshot(chain, request), net.clock)) parts.push(part);
  })();
  await net.settle(all);
  return new Uint8Array(Buffer.concat(parts));
}

/** In pieces of odd lengths, as a disk or a network gives them. */
export async function* inPieces(bytes: Uint8Array, size = 4_093): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export function genesisOf(net: TestNetwork) {
  const { chain } = net.client.node;
  const [block] = chain.fullBlocks(chain.genesis.key) ?? [];
  const state = chain.stateAfter(chain.genesis.key);
  if (block === undefined || state === undefined) throw new TypeError("a chain has its genesis");
  return { block, stateRoot: state };
}

/** All objects of the genesis' state. */
export function genesisObjects(net: TestNetwork): { readonly cid: CID; readonly bytes: Uint8Array }[] {
  return [...walk(net.client.node.chain.store, genesisOf(net).stateRoot, new DigestSet())];
}

/** Empty but for the state of the genesis, as a repo has it. */
export function freshDatabase(net: TestNetwork): ChainDatabase {
  const database = memoryDatabase();
  for (const { cid, bytes } of genesisObjects(net)) database.put(cid, bytes);
  return database;
}

const verifier = createVerifier();

export function importedTo(
  net: TestNetwork,
  bytes: Uint8Array,
  given: { readonly database?: ChainDatabase; readonly checkpoint?: Checkpoint } = {},
): Promise<ImportedSnapshot> {
  const proofs = createProofPass({ verify: async (one) => verifyStatement(verifier, one) }, verifier);
  const judge = async (chain: StoredChain, blocks: readonly FullBlock[]): Promise<void> => {
    await createValidator({
      chain,
      proofs,
      headers: createHeaderPass(proofs),
      executions: aloneExecutions,
      clock: net.clock,
    }).validate(blocks);
  };
  const importing = importSnapshot(inPieces(bytes), {
    database: given.database ?? freshDatabase(net),
    genesis: genesisOf(net),
    logger: silentLogger,
    judge,
    ...(given.checkpoint === undefined ? {} : { checkpoint: given.checkpoint }),
  });
  return net.settle(importing);
}
