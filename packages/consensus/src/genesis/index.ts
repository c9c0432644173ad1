/**
 * The first state and the first block. All money there will ever be exists from here on: accounts, miners and
 * the reserve from which blocks are rewarded. The first miners start with sectors that were really sealed, so
 * the first block can be won, proven and verified like every later one.
 */
import type { Address, AttoFil, Blockstore, CID } from "@holdfast/base";
import {
  addAtto,
  addressNetwork,
  assert,
  bigEndian,
  blake2b256,
  concatBytes,
  createdAddress,
  encode,
  epoch,
  filToAtto,
  mulAtto,
  nonce,
  seedAddress,
  toHex,
  zeroAddress,
  zeroAtto,
} from "@holdfast/base";
import { createBrokerState } from "../actors/broker/state.ts";
import { isPeerId, isWorkerKey } from "../actors/calls.ts";
import { createIdleState, type GenesisVerifier } from "../actors/idle/state.ts";
import { createInitState, upgradesProblem } from "../actors/init.ts";
import type { GenesisMarketMiner } from "../actors/market/state.ts";
import { createMarketState } from "../actors/market/state.ts";
import { assignDeadline, joinDeadline, loadDeadlines } from "../actors/miner/deadlines.ts";
import type { MinerState } from "../actors/miner/state.ts";
import { loadSectors, newMinerState, putMinerState, useSectorNumber } from "../actors/miner/state.ts";
import { nextJudgementAfter } from "../actors/miner/windows.ts";
import { createPinsState } from "../actors/pins/state.ts";
import { createRewardState } from "../actors/reward.ts";
import { genesisErrors } from "../errors.ts";
import { messagesRoot, receiptsRoot } from "../rules/body.ts";
import type { BlockHeader } from "../types/block.ts";
import { blockCid, vrfBytes } from "../types/block.ts";
import { builtinAddresses, codeNames } from "../types/builtins.ts";
import type { NetworkParams } from "../types/params.ts";
import { networkParamsCodec, sectorSizes } from "../types/params.ts";
import { paramProblems } from "../types/params-rules.ts";
import type { PinProgram } from "../types/pin.ts";
import type { Upgrade } from "../types/upgrade.ts";
import { codeCid } from "../vm/actor-code.ts";
import { StateTree } from "../vm/state-tree.ts";
import { type GenesisSector, genesisSectorTicket } from "./sector.ts";

export { upgradesProblem } from "../actors/init.ts";
export {
  type FounderSeal,
  founderSealSeed,
  founderSealStatement,
  founderSealsDigest,
  maxFounderSeals,
} from "./founder-seal.ts";
export { type GenesisSector, genesisSectorTicket } from "./sector.ts";

/** The reward reserve: ten billion FIL (go-filecoin 2019, "network account"). */
export const rewardReserve: AttoFil = filToAtto(10_000_000_000n);

export interface GenesisMiner {
  readonly owner: Address;
  /** The account that signs the miner's blocks. */
  readonly worker: Address;
  /** BLS12-381 public key of the VRF, 48 bytes. */
  readonly workerKey: Uint8Array;
  readonly peerId: string;
  /** Sealed for the address `genesisMinerAddress` with the ticket `genesisSectorTicket`. */
  readonly sectors: readonly GenesisSector[];
  /** Covers at least the pledge of the sectors. */
  readonly balance: AttoFil;
  /** Default: `genesisMinerAddress` by its place. Founders who do not know their places take `foundedMinerAddress`. */
  readonly address?: Address;
}

export interface GenesisSpec {
  readonly params: NetworkParams;
  readonly accounts: readonly { readonly address: Address; readonly balance: AttoFil }[];
  readonly miners: readonly GenesisMiner[];
  readonly timestampMs: number;
  /** Known from the beginning, in ascending order of heights; default: none. */
  readonly upgrades?: readonly Upgrade[];
  /** Verifiers of idle space from the beginning, with their bonds; default: none. */
  readonly idleVerifiers?: readonly GenesisVerifier[];
  /** `founderSealsDigest` of the proofs that come with the genesis; default: none does. */
  readonly sealsDigest?: Uint8Array;
  /** What may run on pinning nodes from the start; default: nothing. */
  readonly pinPrograms?: readonly PinProgram[];
}

export interface Genesis {
  readonly header: BlockHeader;
  readonly cid: CID;
  readonly state: CID;
  /** The sum of all money, for `moneyInvariant`. */
  readonly total: AttoFil;
}

/** Address of the n-th miner (from 0) of a genesis: known before its sectors are sealed. */
export function genesisMinerAddress(network: 0 | 1, index: number): Address {
  return createdAddress(builtinAddresses(network).init, nonce(index));
}

/** Address of a miner by its worker's BLS key: who founds a network with others needs no number from them. */
export function foundedMinerAddress(network: 0 | 1, workerKey: Uint8Array): Address {
  return seedAddress(network, `founder ${toHex(workerKey)}`);
}

/**
 * Writes the first state and its block into the store. Errors: `genesis/duplicate-address`,
 * `wrong-network`, `unsupported-sector-size`, `pledge-not-covered`, `invalid-miner`, `invalid-params`.
 */
export function createGenesis(spec: GenesisSpec, store: Blockstore): Genesis {
  const { params } = spec;
  checkNetworkParams(params);
  const problem = upgradesProblem(params, spec.upgrades ?? []);
  if (problem !== undefined) throw genesisErrors.invalidParams({ reason: problem });
  const tree = StateTree.empty(store);
  let total = zeroAtto;
  const install = (address: Address, codeName: string, head: CID | null, balance: AttoFil): void => {
    if (tree.get(address) !== undefined) throw genesisErrors.duplicateAddress({ address });
    if (addressNetwork(address) !== params.networkByte) {
      throw genesisErrors.wrongNetwork({ address, network: params.networkByte });
    }
    assert(balance >= 0n, "no actor starts with a debt");
    tree.set(address, { code: codeCid(codeName), head, nonce: nonce(0), balance });
    total = addAtto(total, balance);
  };
  const { objects } = tree;
  const builtins = builtinAddresses(params.networkByte);
  const enrolled = spec.miners.map((miner, index) => createMiner(objects, params, miner, index));
  install(builtins.init, codeNames.init, createInitState(objects, params, spec.upgrades), zeroAtto);
  install(builtins.market, codeNames.market, createMarketState(objects, enrolled), zeroAtto);
  install(builtins.broker, codeNames.broker, createBrokerState(objects), zeroAtto);
  install(builtins.reward, codeNames.reward, createRewardState(objects), rewardReserve);
  const bonds = addAtto(...(spec.idleVerifiers ?? []).map(({ bond }) => bond));
  install(builtins.idle, codeNames.idle, createIdleState(objects, spec.idleVerifiers), bonds);
  const { pinPrograms = [], timestampMs } = spec;
  install(builtins.pins, codeNames.pins, createPinsState(objects, timestampMs, pinPrograms), zeroAtto);
  install(builtins.burnt, codeNames.account, null, zeroAtto);
  for (const { address, head, balance } of enrolled) install(address, codeNames.miner, head, balance);
  for (const { address, balance } of spec.accounts) install(address, codeNames.account, null, balance);
  const state = tree.flush();
  const header = createHeader(spec, objects, state);
  tree.persist();
  return { header, cid: blockCid(header), state, total };
}

/** For whoever makes a genesis, and for whoever is given one. `genesis/invalid-params` with every reason. */
export function checkNetworkParams(params: NetworkParams): void {
  const problems = paramProblems(params);
  if (problems.length > 0)
    throw genesisErrors.invalidParams({ reason: `not so: ${problems.join("; not so: ")}` });
}

interface EnrolledMiner extends GenesisMarketMiner {
  readonly head: CID;
  readonly balance: AttoFil;
}

function createMiner(
  store: Blockstore,
  params: NetworkParams,
  miner: GenesisMiner,
  index: number,
): EnrolledMiner {
  if (!isWorkerKey(miner.workerKey)) {
    throw genesisErrors.invalidMiner({ miner: index, reason: "the worker key is no point of G1" });
  }
  if (!isPeerId(miner.peerId)) {
    throw genesisErrors.invalidMiner({ miner: index, reason: "the peer id is malformed" });
  }
  for (const address of [miner.owner, miner.worker]) {
    if (addressNetwork(address) !== params.networkByte) {
      throw genesisErrors.wrongNetwork({ address, network: params.networkByte });
    }
  }
  const address = miner.address ?? genesisMinerAddress(params.networkByte, index);
  const pledge = mulAtto(params.minPledgePerSector, miner.sectors.length);
  if (miner.balance < pledge) {
    const needed = pledge.toString();
    throw genesisErrors.pledgeNotCovered({ miner: index, balance: miner.balance.toString(), needed });
  }
  const withSectors = addSectors(store, params, newMinerState(store, miner), miner, { address, index });
  const hasSectors = miner.sectors.length > 0;
  const deadline = hasSectors ? nextJudgementAfter(params, address, epoch(0)) : null;
  const state: MinerState = { ...withSectors, lockedPledge: pledge, deadline };
  const head = putMinerState(store, state);
  return { address, power: state.power, deadline, head, balance: miner.balance };
}

function addSectors(
  store: Blockstore,
  params: NetworkParams,
  empty: MinerState,
  miner: GenesisMiner,
  { address, index }: { readonly address: Address; readonly index: number },
): MinerState {
  const sectors = loadSectors(store, empty);
  const deadlines = loadDeadlines(store, empty);
  let { power, usedSectors } = empty;
  for (const { sectorId, sectorBytes, commD, commR, commRStar, expiration } of miner.sectors) {
    if (!sectorSizes(params).includes(sectorBytes))
      throw genesisErrors.unsupportedSectorSize({ sectorBytes });
    const used = useSectorNumber(store, usedSectors, sectorId);
    if (used === undefined) {
      throw genesisErrors.invalidMiner({ miner: index, reason: `the sector ${sectorId} appears twice` });
    }
    usedSectors = used;
    power += BigInt(sectorBytes);
    const deadlineIndex = assignDeadline(params, address, deadlines, epoch(0));
    joinDeadline(store, deadlines, deadlineIndex, sectorId);
    sectors.set(sectorId, {
      sectorId,
      sectorBytes,
      commD,
      commR,
      commRStar,
      ticket: genesisSectorTicket,
      expiration: expiration ?? epoch(params.maxSectorLifetimeEpochs),
      pledge: params.minPledgePerSector,
      activatedAt: epoch(0),
      deadlineIndex,
      lastProven: null,
      faultySince: null,
      recoveringSince: null,
      faultyPeriods: 0,
    });
  }
  return { ...empty, power, usedSectors, sectors: sectors.flush(), deadlines: deadlines.flush() };
}

/**
 * The genesis block has no miner and no signature; its ticket is a hash of the parameters. It proves no sector for an
 * election: in place of that proof stands the digest of the proofs of all founders' seals, if there are any.
 */
function createHeader(spec: GenesisSpec, store: Blockstore, state: CID): BlockHeader {
  const seed = encode(networkParamsCodec, spec.params);
  const part = (n: number): Uint8Array => blake2b256(concatBytes(bigEndian(n, 1), seed));
  return {
    miner: zeroAddress(spec.params.networkByte),
    height: epoch(0),
    parents: [],
    parentWeight: 0n,
    parentState: state,
    ticket: concatBytes(part(0), part(1), part(2)),
    electionProof: new Uint8Array(vrfBytes),
    winningPost: spec.sealsDigest ?? new Uint8Array(0),
    stateRoot: state,
    messages: messagesRoot(store, []),
    receipts: receiptsRoot(store, []),
    timestampMs: spec.timestampMs,
    signature: new Uint8Array(65),
  };
}
