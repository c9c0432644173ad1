/**
 * The proofs of spacetime of the open deadline. What is asked is read from the chain; the partitions are put
 * together into messages that fit, in groups that stay the same through the window, so that each group is
 * sent once, whatever happens to the others. What cannot be proven is skipped by name. Looked at on every new
 * head: another challenge or another set of sectors makes another message; one that is not mined pays more
 * the nearer the window's end, and one that failed on the chain is followed by another. Nothing is kept here
 * that a restart would lose, but for the doubts about damaged sectors, which then are cast once more.
 */
import {
  type Address,
  type AttoFil,
  addEpochs,
  attoFil,
  blake2b256,
  encode,
  HoldfastError,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import {
  type DeadlineWindow,
  exitCodeMeaning,
  inclusionGas,
  methods,
  missedProofFee,
  type NetworkParams,
  type PartitionView,
  proofGas,
  randomnessTags,
  readActor,
  readDeadline,
  readMinerState,
  type Sector,
  stateGas,
  windowAt,
  windowPostEntropy,
  windowPostSnarks,
} from "@holdfast/consensus";
import { findResolved } from "@holdfast/proofs/verify";
import { limits } from "../limits.ts";
import { mineErrors } from "./errors.ts";
import type { MineNeeds, MineStorage } from "./needs.ts";

/** What a proof touches of the state: for each sector, and once (measured, with room). */
const sectorTouch = { objects: 8, bytes: 5_000 } as const;
const baseTouch = { objects: 60, bytes: 80_000 } as const;
const envelopeBytes = 320;
/** A SNARK of 192 bytes with what frames it. */
const snarkBytes = 256;
/** The part of a block that one message of ours may fill, so that it finds a place. */
const blockShare = 0.5;
/** attoFIL per unit of gas in each quarter of the window; never more than the proof is worth. */
const quarterPrices = [1n, 32n, 1_024n, 32_768n] as const;

/** Groups of partitions whose sectors could not be read lately, by the name of their message → height. */
export type Doubts = Map<string, number>;

/** Does what the present head asks for; resolves when the messages are sent. Error: `mine/post-refused`. */
export async function provePosts(needs: MineNeeds, doubts: Doubts): Promise<void> {
  const { chain, miner } = needs;
  const { state, tipset } = chain.headState();
  const next = addEpochs(tipset.height, 1);
  const window = windowAt(chain.params, miner, next);
  // The start itself must lie on the chain: its ticket is the challenge.
  if (window === null || tipset.height < window.start || next > window.lastEpoch) return;
  const at = { index: window.index, height: next };
  const { partitions } = readDeadline(chain.store, state, chain.params, miner, at);
  if (partitions.every(({ toProve }) => toProve.length === 0)) return;
  const seed = chain.randomnessBelow(tipset)(
    window.start,
    randomnessTags.windowPost,
    windowPostEntropy(miner),
  );
  let refused: unknown;
  for (const group of groupsOf(chain.params, partitions)) {
    const open = group.filter(({ toProve }) => toProve.length > 0);
    if (open.length === 0) continue;
    try {
      await proveGroup(needs, doubts, { window, seed, partitions: open });
    } catch (error) {
      // One group that cannot be sent must not cost the others their proof.
      refused ??= error;
    }
  }
  if (refused !== undefined) throw refused;
}

/** Consecutive partitions that fit into one message together, whichever of them are still to be proven. */
function groupsOf(params: NetworkParams, partitions: readonly PartitionView[]): PartitionView[][] {
  const groups: PartitionView[][] = [];
  for (const partition of partitions) {
    const last = groups.at(-1);
    if (last !== undefined && fits(params, [...last, partition])) last.push(partition);
    else groups.push([partition]);
  }
  return groups;
}

function fits(params: NetworkParams, partitions: readonly PartitionView[]): boolean {
  const members = partitions.flatMap(({ sectors }) => sectors);
  const bytes = members.reduce((sum, { sectorBytes }) => sum + mostProofBytes(params, sectorBytes), 0);
  return (
    members.length <= limits.postSectors &&
    bytes + 2 * envelopeBytes <= params.maxMessageBytes &&
    gasOf(params, members, bytes) <= params.blockGasLimit * blockShare
  );
}

/** What a sector adds to a proof at most: a Merkle path of its own for each challenge, or a SNARK of its own. */
function mostProofBytes({ sectorClasses }: NetworkParams, sectorBytes: number): number {
  const found = findResolved(sectorClasses, sectorBytes);
  if (found === undefined) return sectorBytes;
  const { profile, sectorClass } = found;
  if (sectorClass.proofMode === "groth16") return snarkBytes;
  const siblings = 7 * Math.ceil(Math.log2(profile.nodes) / 3);
  return profile.windowChallenges * 32 * (1 + siblings);
}

function gasOf(params: NetworkParams, sectors: readonly Sector[], proofBytes: number): number {
  const work = { ...windowPostSnarks(params, sectors), sectors: sectors.length };
  return (
    proofGas(params.gas, "post", proofBytes, work) +
    inclusionGas(params.gas, proofBytes + 2 * envelopeBytes) +
    params.gas.paramByte * proofBytes +
    stateGas(params.gas, baseTouch) +
    stateGas(params.gas, sectorTouch) * sectors.length
  );
}

interface Group {
  readonly window: DeadlineWindow;
  readonly seed: Uint8Array;
  /** Those that are still to be proven. */
  readonly partitions: readonly PartitionView[];
}

async function proveGroup(needs: MineNeeds, doubts: Doubts, group: Group): Promise<void> {
  const { window, seed, partitions } = group;
  const due = partitions.flatMap(({ toProve }) => toProve);
  const covered = toHex(blake2b256(utf8Bytes(due.map(({ sectorId }) => sectorId).join(",")))).slice(0, 16);
  const name = `post/${window.start}/${toHex(seed).slice(0, 16)}/${partitions[0]?.index ?? 0}/${covered}`;
  const key = await nextKey(needs, name, window, due);
  if (key === undefined) return;
  const height = needs.chain.head().height;
  const noticed = doubts.get(name);
  if (noticed !== undefined && height < noticed + pauseEpochs(needs.chain.params)) return;
  const post = await provable(
    needs.storage,
    seed,
    due.map(({ sectorId }) => sectorId),
  );
  if (post.faults.length > 0) {
    needs.logger.warn("sectors cannot be proven", { sectorIds: [...post.faults], window: window.start });
    // A disk that is away for a moment is no fault yet: skipping costs the power and a fee.
    if (noticed === undefined && height + pauseEpochs(needs.chain.params) < window.lastEpoch) {
      doubts.set(name, height);
      return;
    }
  }
  await send(needs, group, { due, key, post });
}

/** Between a first doubt about a sector and the decision to skip it. */
function pauseEpochs({ proofWindowEpochs }: NetworkParams): number {
  return Math.max(1, Math.floor(proofWindowEpochs / 4));
}

/**
 * The key under which a group's message is to be sent; undefined while one is on its way or has succeeded. One
 * that waits is offered a higher price. Error: `mine/post-refused` when every attempt failed on the chain.
 */
async function nextKey(
  needs: MineNeeds,
  name: string,
  window: DeadlineWindow,
  due: readonly Sector[],
): Promise<string | undefined> {
  const { sender } = needs;
  let reason = "";
  for (let attempt = 0; attempt < limits.postAttempts; attempt += 1) {
    const key = attempt === 0 ? name : `${name}/${attempt}`;
    const sent = sender.sentAs(key);
    if (sent === undefined) return key;
    const mined = sender.find(sent.cid)?.mined;
    if (mined === undefined) {
      await sender.raise(key, priceOf(needs, window, due));
      return undefined;
    }
    if (mined.receipt.exitCode === 0) return undefined;
    reason = exitCodeMeaning(mined.receipt.exitCode);
  }
  throw mineErrors.postRefused({ deadline: window.index, attempts: limits.postAttempts, reason });
}

/** Rises through the window, up to what missing the proof would cost, and what the worker can pay. */
function priceOf(needs: MineNeeds, window: DeadlineWindow, due: readonly Sector[]): AttoFil {
  const { chain, miner } = needs;
  const { proofWindowEpochs } = chain.params;
  const gone = chain.head().height - window.start;
  const quarter = Math.min(3, Math.max(0, Math.floor((4 * gone) / proofWindowEpochs)));
  const { state } = chain.headState();
  const balance = readActor(chain.store, state, workerOf(needs, miner))?.balance ?? 0n;
  const worth = due.reduce((sum, { pledge }) => sum + missedProofFee(pledge), 0n);
  const affordable = worth < balance / 2n ? worth : balance / 2n;
  const bytes = due.reduce((sum, { sectorBytes }) => sum + mostProofBytes(chain.params, sectorBytes), 0);
  const most = affordable / BigInt(gasOf(chain.params, due, bytes));
  const [lowest] = quarterPrices;
  const wanted = quarterPrices[quarter] ?? lowest;
  return attoFil(wanted <= most ? wanted : most > lowest ? most : lowest);
}

function workerOf({ chain }: MineNeeds, miner: Address): Address {
  return readMinerState(chain.store, chain.headState().state, miner).worker;
}

async function send(
  needs: MineNeeds,
  { window, partitions }: Group,
  given: { readonly due: readonly Sector[]; readonly key: string; readonly post: Provable },
): Promise<void> {
  const { chain, miner, sender } = needs;
  const { due, key, post } = given;
  const unprovable = new Set(post.faults);
  const params = encode(methods.miner.submitPost.params, {
    windowStart: window.start,
    partitions: partitions.map(({ index }) => index),
    skipped: due.map(({ sectorId }) => sectorId).filter((id) => unprovable.has(id)),
    proof: post.proof,
  });
  await sender.send({
    from: workerOf(needs, miner),
    to: miner,
    method: "submitPost",
    params,
    gasLimit: gasOf(chain.params, due, params.length),
    gasPrice: priceOf(needs, window, due),
    key,
  });
}

export interface Provable {
  readonly proof: Uint8Array;
  readonly proven: readonly number[];
  readonly faults: readonly number[];
}

/** As the storage proves; that nothing at all can be proven is an answer too, and a fault of each. */
export async function provable(
  storage: MineStorage,
  seed: Uint8Array,
  sectorIds: readonly number[],
): Promise<Provable> {
  try {
    const { proof, proven, faults } = await storage.generatePost("window", seed, sectorIds);
    return { proof, proven, faults: faults.map(({ sectorId }) => sectorId) };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "storage/no-provable-sector") throw error;
    return { proof: new Uint8Array(0), proven: [], faults: sectorIds };
  }
}
