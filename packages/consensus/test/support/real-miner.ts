/**
 * A genesis whose first miner has a really sealed sector, and blocks with real VRFs, proofs and signatures.
 */
import type { Epoch } from "@holdfast/base";
import {
  blake2b256,
  blsKeyFromSeed,
  blsPublicKey,
  blsSign,
  epoch,
  filToAtto,
  MemoryBlockstore,
  sectorId,
  utf8Bytes,
} from "@holdfast/base";
import type { BlockHeader, Env, FullBlock, Genesis, HeaderView, Tipset } from "@holdfast/consensus";
import {
  createGenesis,
  createTipset,
  devnetParams,
  electionInput,
  executeForMining,
  genesisMinerAddress,
  genesisSectorTicket,
  isWinner,
  randomnessFromTickets,
  sectorIdentityOf,
  signBlock,
  ticketInput,
  timestampOf,
  winningPostSeed,
} from "@holdfast/consensus";
import { createProver, defaultClasses, layoutPieces, provePost } from "@holdfast/proofs";
import { createVerifier } from "@holdfast/proofs/verify";
import { keysOf, testNetworkId } from "./world.ts";

const sectorBytes = 1024;
const id = sectorId(7);
const hash = (text: string): Uint8Array => blake2b256(utf8Bytes(text));

export const worker = keysOf("real worker");
export const owner = keysOf("real owner");
export const blsKey = blsKeyFromSeed(hash("real bls"));
export const miner = genesisMinerAddress(1, 0);
/** Has as much power as the real miner, but nobody holds its sector. */
export const rival = genesisMinerAddress(1, 1);
/** Is a miner without any sector. */
export const idler = genesisMinerAddress(1, 2);

export interface RealWorld {
  readonly store: MemoryBlockstore;
  readonly genesis: Genesis;
  readonly genesisTipset: Tipset;
  readonly env: Env;
  readonly view: HeaderView;
  readonly replicaTree: Uint8Array;
  readonly commR: Uint8Array;
}

/** Seals one sector of 1 KiB and writes the genesis around it. */
export async function createRealWorld(): Promise<RealWorld> {
  const store = new MemoryBlockstore();
  const params = devnetParams({ name: "real", roundMs: 100 });
  const { commD } = layoutPieces([], sectorBytes);
  const identity = sectorIdentityOf(params, miner, { sectorId: id, ticket: genesisSectorTicket, commD });
  const data = new Uint8Array(sectorBytes);
  const sealed = await createProver().replicate({ classes: defaultClasses, sectorBytes, identity, data });
  const { commR, commRStar, replicaTree } = sealed;
  const make = (sectors: number, keyName: string) => ({
    owner: owner.address,
    worker: worker.address,
    workerKey: blsPublicKey(blsKeyFromSeed(hash(keyName))),
    peerId: "peer",
    balance: filToAtto(1),
    sectors: sectors === 0 ? [] : [{ sectorId: id, sectorBytes, commD, commR, commRStar }],
  });
  const genesis = createGenesis(
    {
      params,
      accounts: [{ address: worker.address, balance: filToAtto(5) }],
      miners: [make(1, "real bls"), make(1, "rival bls"), make(0, "idle bls")],
      timestampMs: 1_700_000_000_000,
    },
    store,
  );
  const genesisTipset = createTipset([genesis.header]);
  const randomness = randomnessFromTickets([{ height: epoch(0), minTicket: genesisTipset.minTicket }]);
  const env: Env = { params, networkId: testNetworkId, verifier: createVerifier(), randomness };
  const view: HeaderView = {
    store,
    parentState: genesis.state,
    parentWeight: 0n,
    networkId: testNetworkId,
    genesisTimeMs: genesis.header.timestampMs,
    nowMs: genesis.header.timestampMs + 1_000_000,
  };
  return { store, genesis, genesisTipset, env, view, replicaTree, commR };
}

/** Draws the election of a height on the genesis and says whether the real miner wins it. */
export function draw(world: RealWorld, height: Epoch): { electionProof: Uint8Array; wins: boolean } {
  const electionProof = blsSign(blsKey, electionInput(world.genesisTipset.minTicket, height, miner));
  return { electionProof, wins: isWinner(electionProof, 1n, 2n) };
}

/** The first height at which the draw comes out as asked. */
export function heightWhere(world: RealWorld, wins: boolean): Epoch {
  for (let height = epoch(1); ; height = epoch(height + 1)) {
    if (draw(world, height).wins === wins) return height;
  }
}

/** Signs a header anew, so that a test's lie is the only thing wrong with it. */
export function resign(header: BlockHeader, privateKey: Uint8Array = worker.privateKey): BlockHeader {
  const { signature: _, ...unsigned } = header;
  return signBlock(privateKey, testNetworkId, unsigned);
}

/** An empty block on the genesis, all true but for the height's luck. */
export function realBlock(world: RealWorld, height: Epoch): FullBlock {
  const { store, genesis, genesisTipset, env } = world;
  const mined = executeForMining({
    store,
    parentState: genesis.state,
    miner,
    height,
    candidates: [],
    env,
  });
  const { electionProof } = draw(world, height);
  const { replicaTree, commR } = world;
  const sector = { sectorId: id, sectorBytes, commR, replicaTree };
  const header = resign({
    miner,
    height,
    parents: genesisTipset.cids,
    parentWeight: 0n,
    parentState: genesis.state,
    ticket: blsSign(blsKey, ticketInput(genesisTipset.minTicket, height, miner)),
    electionProof,
    winningPost: provePost("winning", winningPostSeed(electionProof), miner, [sector]),
    stateRoot: mined.stateRoot,
    messages: mined.messagesRoot,
    receipts: mined.receiptsRoot,
    timestampMs: timestampOf(env.params, genesis.header.timestampMs, height),
    signature: new Uint8Array(65),
  });
  return { header, messages: [] };
}
