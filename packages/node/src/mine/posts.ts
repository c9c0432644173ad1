/**
 * The proof of spacetime of each proving period: which sectors are asked is read from the chain, the
 * proof comes from the storage, and what cannot be proven is declared faulty, what can be proven again
 * is declared recovering. Looked at on every new head: another challenge or another set of sectors makes
 * another message; one that was sent is kept alive by the sender over reorganisations.
 */
import { addEpochs, encode, HoldfastError, toHex } from "@holdfast/base";
import {
  inclusionGas,
  isFrozen,
  methods,
  proofGas,
  provingPeriodAt,
  randomnessTags,
  readDeadline,
  readMinerState,
  readSectors,
  windowAt,
  windowPostEntropy,
  windowPostSnarks,
} from "@holdfast/consensus";
import type { MineNeeds } from "./needs.ts";

/** Gas of a proof's bookkeeping for each sector (state read and written; measured, with room). */
const sectorGas = 20_000;
const baseGas = 300_000;
const envelopeBytes = 320;

/** Does what the present head asks for; resolves when the messages are sent. */
export async function provePeriod(needs: MineNeeds): Promise<void> {
  const { chain, miner, storage, sender, logger } = needs;
  const { state, tipset } = chain.headState();
  const { params } = chain;
  const next = addEpochs(tipset.height, 1);
  const window = windowAt(params, miner, next);
  // The start itself must lie on the chain: its ticket is the challenge.
  if (window === null || tipset.height < window.start || next > window.lastEpoch) return;
  const { start, index } = window;
  const { partitions } = readDeadline(chain.store, state, params, miner, { index, height: next });
  const due = partitions.flatMap(({ toProve }) => toProve);
  if (due.length === 0) return;
  const seed = chain.randomnessBelow(tipset)(start, randomnessTags.windowPost, windowPostEntropy(miner));
  const covered = due.map(({ sectorId }) => sectorId).join(",");
  const key = `post/${start}/${toHex(seed).slice(0, 16)}/${covered}`;
  if (sender.sentAs(key) !== undefined) return;
  const post = await provable(
    storage,
    seed,
    due.map(({ sectorId }) => sectorId),
  );
  if (post.faults.length > 0) logger.warn("sectors cannot be proven", { sectorIds: [...post.faults] });
  const encoded = encode(methods.miner.submitPost.params, {
    windowStart: start,
    partitions: partitions.flatMap(({ index: at, toProve }) => (toProve.length === 0 ? [] : [at])),
    skipped: due.map(({ sectorId }) => sectorId).filter((id) => post.faults.includes(id)),
    proof: post.proof,
  });
  const gasLimit =
    proofGas("post", post.proof.length, windowPostSnarks(params, due)) +
    inclusionGas(encoded.length + envelopeBytes) +
    encoded.length +
    baseGas +
    sectorGas * due.length;
  const { worker } = readMinerState(chain.store, state, miner);
  await sender.send({ from: worker, to: miner, method: "submitPost", params: encoded, gasLimit, key });
}

/** Announces faulty sectors that can be proven again. */
export async function recoverSectors(needs: MineNeeds): Promise<void> {
  const { chain, miner, sender, storage } = needs;
  const { state, tipset } = chain.headState();
  const next = addEpochs(tipset.height, 1);
  const faulty = readSectors(chain.store, state, miner).filter(
    (sector) =>
      sector.faultySince !== null &&
      sector.recoveringSince === null &&
      !isFrozen(chain.params, miner, sector.deadlineIndex, next),
  );
  if (faulty.length === 0) return;
  const { start } = provingPeriodAt(chain.params, miner, next);
  const sectorIds = faulty.map(({ sectorId }) => sectorId);
  // Once a period for the same sectors: a rehearsal reads all of them.
  const key = `declareRecovery/${start ?? 0}/${sectorIds.join(",")}`;
  if (sender.sentAs(key) !== undefined) return;
  const { proven } = await provable(storage, new Uint8Array(32), sectorIds);
  if (proven.length > 0) await declare(needs, "declareRecovery", proven, key);
}

/** As the storage proves; that nothing at all can be proven is an answer too, and a fault of each. */
async function provable(
  storage: MineNeeds["storage"],
  seed: Uint8Array,
  sectorIds: readonly number[],
): Promise<{
  readonly proof: Uint8Array;
  readonly proven: readonly number[];
  readonly faults: readonly number[];
}> {
  try {
    const { proof, proven, faults } = await storage.generatePost("window", seed, sectorIds);
    return { proof, proven, faults: faults.map(({ sectorId }) => sectorId) };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "storage/no-provable-sector") throw error;
    return { proof: new Uint8Array(0), proven: [], faults: sectorIds };
  }
}

async function declare(
  needs: MineNeeds,
  method: "declareRecovery",
  sectorIds: readonly number[],
  key: string,
): Promise<void> {
  const { chain, miner, sender } = needs;
  const { worker } = readMinerState(chain.store, chain.headState().state, miner);
  if (sender.sentAs(key) !== undefined) return;
  const codec = methods.miner[method].params;
  const known = readSectors(chain.store, chain.headState().state, miner).map(({ sectorId }) => sectorId);
  const params = encode(codec, { sectorIds: known.filter((id) => sectorIds.includes(id)) });
  await sender.send({ from: worker, to: miner, method, params, key });
}
