/**
 * A report of this node: for each sample that the slot's draw chose, the walk over blocks that are here. No network is
 * asked, so what is not here is said to be missing: a report that claims more can be disproved by anybody who has the
 * content, and costs the stake. And what could not be shown on the chain is not claimed: who is asked for it loses the
 * stake for nothing.
 */
import { assert, type CID, type Clock, rawCid } from "@holdfast/base";
import {
  maxShownWalkBytes,
  type PinReport,
  type PinReportFacts,
  type PinSample,
  pinReportSigningBytes,
  sampledPlace,
  sampleSeed,
  type UnsignedPinReport,
  type WalkEnd,
  walkPin,
} from "@holdfast/consensus";
import type { PoscKey } from "./needs.ts";

export type ReadBlock = (cid: CID) => Promise<Uint8Array | undefined>;

export interface LocalWalk {
  readonly end: WalkEnd;
  /** From the root to the end. */
  readonly blocks: readonly Uint8Array[];
}

/** Undefined if a block is missing, or if they are longer than that together: nothing behind it is read. */
export async function walkLocally(
  seed: Uint8Array,
  root: CID,
  read: ReadBlock,
  maxBytes: number = maxShownWalkBytes,
): Promise<LocalWalk | undefined> {
  const walk = walkPin(seed, root);
  const blocks: Uint8Array[] = [];
  let left = maxBytes;
  for (let step = walk.next(); ; ) {
    if (step.done === true) return step.value && { end: step.value, blocks };
    const bytes = await read(step.value);
    left -= bytes?.length ?? 0;
    if (bytes === undefined || left < 0) return undefined;
    blocks.push(bytes);
    step = walk.next(bytes);
  }
}

/**
 * The epoch at which a node's report of a slot is due, counted from the slot's first: a quarter of the slot later,
 * because a block that comes late can still change the draw, and a report that was signed by another draw can neither
 * count nor be made anew. In the quarter after that one node after the other, so that not all come into one block.
 */
export function reportDueEpoch(slotEpochs: number, node: number): number {
  const quarter = Math.floor(slotEpochs / 4);
  return quarter + (node % Math.max(1, quarter));
}

export interface ReportTask {
  readonly node: number;
  readonly facts: PinReportFacts;
  readonly key: PoscKey;
  /** Orders that it holds from now on, ascending. */
  readonly added: readonly number[];
  readonly program: string;
  readonly read: ReadBlock;
  readonly clock: Pick<Clock, "nowMs">;
}

const noAnswer = new Uint8Array(32);
const noRoot = rawCid(new Uint8Array(0));

export async function makeReport(task: ReportTask): Promise<PinReport> {
  const { node, facts, key, added, program } = task;
  const { slot, slotHash, set, networkId } = facts;
  const samples: PinSample[] = [];
  const wanted = set.count === 0 ? 0 : facts.samples;
  for (let index = 0; index < wanted; index += 1) samples.push(await sampleOf(task, index));
  const unsigned: UnsignedPinReport = {
    ...{ node, slot, slotHash, added, samples, program },
    key: key.address,
    previous: facts.node.lastReport,
    set: set.root,
    count: set.count,
  };
  return { ...unsigned, signature: key.sign(pinReportSigningBytes(unsigned, networkId)) };
}

async function sampleOf({ facts, key, read, clock }: ReportTask, index: number): Promise<PinSample> {
  const { networkId, slot, slotHash, set } = facts;
  const seed = sampleSeed({ networkId, slot, slotHash, key: key.address }, index);
  const pin = set.at(sampledPlace(seed, set.count));
  assert(pin !== undefined, "a set has an order at each of its places");
  const root = facts.rootOf(pin);
  const startedMs = clock.nowMs();
  const walk = root === undefined ? undefined : await walkLocally(seed, root, read);
  return {
    pin,
    root: root ?? noRoot,
    block: walk?.end.block ?? null,
    answer: walk?.end.answer ?? noAnswer,
    bytes: walk?.end.bytes ?? 0,
    elapsedMs: Math.min(2 ** 32, Math.max(0, Math.round(clock.nowMs() - startedMs))),
  };
}
