/**
 * What miners owe and what it costs them not to pay: proofs in time, fees for what was not proven, one punishment for
 * one fault. Computed from sectors, messages and receipts, in other words than the actors'.
 */
import { type Address, addressHash, decode, readBigEndian, toHex } from "@holdfast/base";
import {
  listMiners,
  messageCid,
  methods,
  type NetworkParams,
  readMinerState,
  type Sector,
} from "@holdfast/consensus";
import type { CheckedTipset, TipsetCheck } from "./invariants.ts";

/** Start of the last window of a deadline that was judged at or before a height; undefined before the first. */
function lastJudged(
  params: NetworkParams,
  miner: Address,
  index: number,
  height: number,
): number | undefined {
  const { provingPeriodEpochs: period, deadlinesPerPeriod, proofWindowEpochs } = params;
  const shift = Number(readBigEndian(addressHash(miner).subarray(0, 8)) % BigInt(period));
  const first = (shift + (index * period) / deadlinesPerPeriod) % period;
  const latest = height - proofWindowEpochs - 1;
  const start = first + Math.floor((latest - first) / period) * period;
  return start < 0 ? undefined : start;
}

/** Whether no tipset came for half of so many epochs since `start`: then nobody could prove. */
export function stoodStill(epochs: number, checked: CheckedTipset, start: number): boolean {
  let at = checked;
  while (at.parent !== undefined && at.tipset.height > start) {
    const nullRounds = at.tipset.height - at.parent.tipset.height - 1;
    if (2 * nullRounds >= epochs) return true;
    at = at.parent;
  }
  return false;
}

/** What counts as power was proven in its last window, unless the chain stood still in it. */
export const provenInTime: TipsetCheck = (checked, oracle) => {
  const { store, params } = oracle;
  const { height } = checked.tipset;
  for (const miner of listMiners(store, checked.state)) {
    for (const sector of oracle.sectorsOf(checked.state, miner)) {
      if (sector.faultySince !== null) continue;
      const start = lastJudged(params, miner, sector.deadlineIndex, height);
      if (start === undefined || sector.activatedAt >= start || sector.expiration <= start) continue;
      if (sector.lastProven !== null && sector.lastProven > start) continue;
      if (stoodStill(params.proofWindowEpochs, checked, start)) continue;
      return `sector ${sector.sectorId} of ${miner} counts, and was not proven in the window of ${start}`;
    }
  }
  return undefined;
};

const shareOf = (pledge: bigint, divisor: bigint): bigint => (pledge + divisor - 1n) / divisor;

/** What may leave the pledge of a sector between two tipsets. */
function dueOf(before: Sector, after: Sector): readonly bigint[] {
  const missed = shareOf(before.pledge, 20n);
  const skipped = shareOf(before.pledge, 50n);
  const isJudged = after.faultyPeriods === before.faultyPeriods + 1;
  const wasFaulty = before.faultySince !== null;
  if (isJudged && !wasFaulty) return [missed];
  if (isJudged) return before.recoveringSince === null ? [shareOf(before.pledge, 100n)] : [missed];
  // Declared, or left out of a proof.
  if (after.faultySince !== null) return [0n, skipped];
  return [0n];
}

/** Every fault costs what it costs, and nothing else does. */
export const faultsCost: TipsetCheck = ({ tipset, state, parent }, oracle) => {
  if (parent === undefined) return undefined;
  for (const miner of listMiners(oracle.store, state)) {
    const sectors = oracle.sectorsOf(state, miner);
    const before = oracle.sectorsOf(parent.state, miner);
    // The same object: nothing of this miner has changed.
    if (sectors === before) continue;
    for (const after of sectors) {
      const was = before.find(({ sectorId }) => sectorId === after.sectorId);
      // Judged and proven, extended or changed otherwise in one tipset: several things at once are not told apart.
      if (was === undefined || after.lastProven === tipset.height || after.expiration !== was.expiration)
        continue;
      const paid = was.pledge - after.pledge;
      if (dueOf(was, after).includes(paid)) continue;
      return `sector ${after.sectorId} of ${miner} lost ${paid} of ${was.pledge} attoFIL, not ${dueOf(was, after)}`;
    }
  }
  return undefined;
};

/** A consensus fault is punished once: everything up to the punishment is settled by it. */
export const punishedOnce: TipsetCheck = ({ tipset, blocks, parent, receipts }, { store }) => {
  const settled = new Map<Address, number>();
  const seen = new Set<string>();
  for (const signed of blocks.flatMap(({ messages }) => messages)) {
    const { message } = signed;
    if (message.method !== "reportConsensusFault" || parent === undefined) continue;
    const cid = messageCid(signed).toString();
    if (seen.has(cid) || receipts.get(cid)?.exitCode !== 0) continue;
    seen.add(cid);
    const { first, second } = decode(methods.miner.reportConsensusFault.params, message.params);
    const miner = message.to;
    const until = settled.get(miner) ?? readMinerState(store, parent.state, miner).slashedAt ?? -1;
    if (Math.max(first.height, second.height) <= until)
      return `${miner} was punished until ${until}, and again for ${first.height} and ${second.height}`;
    settled.set(miner, tipset.height);
  }
  return undefined;
};

const proofMethods: ReadonlySet<string> = new Set(["commitSector", "submitPost"]);
/** Longer than any window of a proof. */
const rememberedTipsets = 40;

/** What the chain has taken of a miner's proof that very miner does not send again. */
export function provenOnce(isWatched: (miner: Address) => boolean): TipsetCheck {
  return (checked) => {
    for (const { cid, name, to } of proofsIn(checked)) {
      if (!isWatched(to)) continue;
      let at: CheckedTipset | undefined = checked;
      for (let depth = 0; at !== undefined && depth < rememberedTipsets; depth += 1, at = at.parent) {
        const taken = at.receipts;
        const twin = proofsIn(at).find((one) => one.name === name && one.cid !== cid);
        if (twin !== undefined && taken.get(twin.cid)?.exitCode === 0)
          return `${to} sends ${name.slice(0, 80)} again, which ${at.tipset.height} has taken`;
      }
    }
    return undefined;
  };
}

function proofsIn({ blocks }: CheckedTipset) {
  return blocks
    .flatMap(({ messages }) => messages)
    .filter(({ message }) => proofMethods.has(message.method))
    .map((signed) => {
      const { to, method, params } = signed.message;
      return { cid: messageCid(signed).toString(), to, name: `${method} ${to} ${toHex(params)}` };
    });
}
