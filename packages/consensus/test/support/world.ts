/**
 * A small network for tests: keys, a genesis with miners whose sectors exist on paper only, and blocks made
 * on the same path as a miner makes them. The verifier says what the test wants it to say.
 */
import type { Address, AttoFil, CID, Epoch } from "@holdfast/base";
import {
  accountAddress,
  addressBytes,
  attoFil,
  blake2b256,
  blsKeyFromSeed,
  blsPublicKey,
  concatBytes,
  epoch,
  filToAtto,
  gasUnits,
  Hamt,
  MemoryBlockstore,
  nonce,
  publicKeyOf,
  sectorId,
  seedAddress,
  utf8Bytes,
  zeroAtto,
} from "@holdfast/base";
import type {
  BlockHeader,
  Env,
  FullBlock,
  Genesis,
  Message,
  MiningResult,
  NetworkParams,
  SignedMessage,
} from "@holdfast/consensus";
import {
  actorRecordCodec,
  builtinActors,
  CodeTable,
  createGenesis,
  devnetParams,
  executeForMining,
  genesisMinerAddress,
  signMessage,
} from "@holdfast/consensus";
import { testActor } from "./test-actor.ts";

const hash = (text: string): Uint8Array => blake2b256(utf8Bytes(text));

export interface Keys {
  readonly address: Address;
  readonly privateKey: Uint8Array;
}

/** A reproducible account. */
export function keysOf(name: string): Keys {
  const privateKey = blake2b256(utf8Bytes(`test account ${name}`));
  return { privateKey, address: accountAddress(1, publicKeyOf(privateKey)) };
}

export interface TestMiner {
  readonly address: Address;
  readonly owner: Address;
  readonly worker: Keys;
  readonly blsKey: Uint8Array;
  readonly sectors: number;
}

/** What signatures of the tests' chains are bound to. */
export const testNetworkId: Uint8Array = hash("test network");
export const sectorBytes = 2048;
export const testCodes = new CodeTable([...builtinActors, testActor]);

export const testActorAddress = seedAddress(1, "test actor");

export interface World {
  readonly store: MemoryBlockstore;
  readonly params: NetworkParams;
  readonly env: Env;
  /** Its state holds the test actor too. */
  readonly genesis: Genesis;
  readonly accounts: readonly Keys[];
  readonly miners: readonly TestMiner[];
}

export interface WorldSpec {
  /** Number of sectors of each miner. */
  readonly miners: readonly number[];
  readonly accounts?: number;
  readonly params?: Partial<NetworkParams>;
  readonly balance?: AttoFil;
}

/** Says yes to every proof but the ones of a single byte 0. */
export const agreeableVerifier: Env["verifier"] = {
  verifySeal: ({ proof }) => !(proof.length === 1 && proof[0] === 0),
  verifyPost: ({ proof }) => !(proof.length === 1 && proof[0] === 0),
  verifyPieceInclusion: ({ proof }) => !(proof.length === 1 && proof[0] === 0),
};

export function createWorld(spec: WorldSpec): World {
  const store = new MemoryBlockstore();
  const params = devnetParams({ name: "test", roundMs: 1000, ...spec.params });
  const accounts = Array.from({ length: spec.accounts ?? 3 }, (_, i) => keysOf(`${i}`));
  const miners = spec.miners.map((sectors, i): TestMiner => {
    const worker = keysOf(`worker ${i}`);
    const blsKey = blsKeyFromSeed(hash(`bls ${i}`));
    const owner = keysOf(`owner ${i}`).address;
    return { address: genesisMinerAddress(1, i), owner, worker, blsKey, sectors };
  });
  const genesis = createGenesis(
    {
      params,
      accounts: accounts.map(({ address }) => ({ address, balance: spec.balance ?? filToAtto(100) })),
      miners: miners.map((miner, i) => ({
        owner: miner.owner,
        worker: miner.worker.address,
        workerKey: blsPublicKey(miner.blsKey),
        peerId: `peer-${i}`,
        balance: filToAtto(1),
        sectors: Array.from({ length: miner.sectors }, (_, n) => ({
          sectorId: sectorId(n),
          sectorBytes,
          commD: hash(`commD ${i} ${n}`),
          commR: hash(`commR ${i} ${n}`),
          commRStar: hash(`commR* ${i} ${n}`),
        })),
      })),
      timestampMs: 1_700_000_000_000,
    },
    store,
  );
  const env: Env = {
    params,
    networkId: testNetworkId,
    verifier: agreeableVerifier,
    randomness: (at, tag, entropy) => blake2b256(concatBytes(utf8Bytes(`${tag} ${at} `), entropy)),
    codes: testCodes,
    verifiedMessages: new Set<string>(),
  };
  const actors = Hamt.load(store, actorRecordCodec, genesis.state);
  const record = { code: testActor.cid, head: null, nonce: nonce(0), balance: zeroAtto };
  actors.set(addressBytes(testActorAddress), record);
  return { store, params, env, genesis: { ...genesis, state: actors.flush() }, accounts, miners };
}

export type MessageFields = Partial<Omit<Message, "from" | "gasLimit" | "nonce" | "value" | "gasPrice">> & {
  readonly nonce: number;
  readonly value?: bigint;
  readonly gasPrice?: bigint;
  readonly gasLimit?: number;
};

/** A signed message with defaults for what the test does not care about. */
export function message(from: Keys, fields: MessageFields): SignedMessage {
  const { nonce: n, value, gasPrice, gasLimit, ...rest } = fields;
  const draft: Message = {
    to: keysOf("nobody").address,
    method: "",
    params: new Uint8Array(0),
    ...rest,
    from: from.address,
    nonce: nonce(n),
    value: attoFil(value ?? 0n),
    gasPrice: attoFil(gasPrice ?? 0n),
    gasLimit: gasUnits(gasLimit ?? 100_000),
  };
  return signMessage(from.privateKey, testNetworkId, draft);
}

/** A pretended VRF output: 96 bytes that depend on the label. */
export function fakeVrf(label: string): Uint8Array {
  return concatBytes(hash(`${label} 0`), hash(`${label} 1`), hash(`${label} 2`));
}

export interface Parent {
  readonly state: CID;
  readonly cids: readonly CID[];
}

/** A block around an execution result. Its VRF outputs and signature are not real. */
export function blockAround(
  world: World,
  given: { miner: Address; height: Epoch; parent: Parent; mined: Omit<MiningResult, "rejected"> },
): FullBlock {
  const { miner, height, parent, mined } = given;
  const header: BlockHeader = {
    miner,
    height,
    parents: parent.cids,
    parentWeight: 0n,
    parentState: parent.state,
    ticket: fakeVrf(`ticket ${miner} ${height}`),
    electionProof: fakeVrf(`election ${miner} ${height}`),
    winningPost: Uint8Array.of(1),
    stateRoot: mined.stateRoot,
    messages: mined.messagesRoot,
    receipts: mined.receiptsRoot,
    timestampMs: 1_700_000_000_000 + height * world.params.roundMs,
    signature: new Uint8Array(65),
  };
  return { header, messages: mined.included };
}

/** Mines a block from candidates and gives it with what was left out. */
export function mineBlock(
  world: World,
  miner: Address,
  at: { parent: Parent; height: number },
  candidates: readonly SignedMessage[],
  env: Env = world.env,
): { block: FullBlock; mined: MiningResult } {
  const height = epoch(at.height);
  const { store } = world;
  const mined = executeForMining({ store, parentState: at.parent.state, miner, height, candidates, env });
  return { block: blockAround(world, { miner, height, parent: at.parent, mined }), mined };
}

export function genesisParent(world: World): Parent {
  return { state: world.genesis.state, cids: [world.genesis.cid] };
}

export const noMoney = zeroAtto;
