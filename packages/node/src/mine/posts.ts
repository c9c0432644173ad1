/**
 * The proof of spacetime of each proving period: which sectors are asked is read from the chain, the
 * proof comes from the storage, and what cannot be proven is declared faulty, what can be proven again
 * is declared recovering. Looked at on every new head, so a missed or reorganised message is simply
 * made again.
 */
import { addEpochs, encode, toHex } from "@holdfast/base";
import {
  inclusionGas,
  methods,
  proofGas,
  provingPeriodAt,
  randomnessTags,
  readMinerState,
  readSectors,
  sectorsToProve,
  windowPostEntropy,
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
  const { start } = provingPeriodAt(params, miner, next);
  // The start itself must lie on the chain: its ticket is the challenge.
  if (start === null || tipset.height < start || next > start + params.proofWindowEpochs) return;
  const due = sectorsToProve(readSectors(chain.store, state, miner), start);
  if (due.length === 0) return;
  const seed = chain.randomnessBelow(tipset)(start, randomnessTags.windowPost, windowPostEntropy(miner));
  const covered = due.map(({ sectorId }) => sectorId).join(",");
  const key = `post/${start}/${toHex(seed).slice(0, 16)}/${covered}`;
  if (sender.sentAs(key) !== undefined) return;
  const post = await storage.generatePost(
    "window",
    seed,
    due.map(({ sectorId }) => sectorId),
  );
  if (post.faults.length > 0) {
    logger.warn("sectors cannot be proven", {
      faults: post.faults.map(({ sectorId, code }) => `${sectorId}: ${code}`),
    });
    return declare(
      needs,
      "declareFaults",
      post.faults.map(({ sectorId }) => sectorId),
      start,
    );
  }
  const encoded = encode(methods.miner.submitPost.params, { periodStart: start, proof: post.proof });
  const gasLimit =
    proofGas("post", post.proof.length) +
    inclusionGas(encoded.length + envelopeBytes) +
    encoded.length +
    baseGas +
    sectorGas * due.length;
  const { worker } = readMinerState(chain.store, state, miner);
  await sender.send({ from: worker, to: miner, method: "submitPost", params: encoded, gasLimit, key });
}

/** Announces faulty sectors that can be proven again. */
export async function recoverSectors(needs: MineNeeds): Promise<void> {
  const { chain, miner, storage } = needs;
  const { state, tipset } = chain.headState();
  const faulty = readSectors(chain.store, state, miner).filter(
    (sector) => sector.faultySince !== null && sector.recoveringSince === null,
  );
  if (faulty.length === 0) return;
  const { start } = provingPeriodAt(chain.params, miner, addEpochs(tipset.height, 1));
  const rehearsal = await storage.generatePost(
    "window",
    new Uint8Array(32),
    faulty.map(({ sectorId }) => sectorId),
  );
  if (rehearsal.proven.length > 0) await declare(needs, "declareRecovery", rehearsal.proven, start ?? 0);
}

async function declare(
  needs: MineNeeds,
  method: "declareFaults" | "declareRecovery",
  sectorIds: readonly number[],
  start: number,
): Promise<void> {
  const { chain, miner, sender } = needs;
  const { worker } = readMinerState(chain.store, chain.headState().state, miner);
  const key = `${method}/${start}/${sectorIds.join(",")}`;
  if (sender.sentAs(key) !== undefined) return;
  const codec = methods.miner[method].params;
  const known = readSectors(chain.store, chain.headState().state, miner).map(({ sectorId }) => sectorId);
  const params = encode(codec, { sectorIds: known.filter((id) => sectorIds.includes(id)) });
  await sender.send({ from: worker, to: miner, method, params, key });
}
