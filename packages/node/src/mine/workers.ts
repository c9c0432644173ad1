/**
 * A change of the worker's keys, brought to its end: when the delay of an announced worker is over, the node confirms
 * it. From that state on elections, blocks and proofs ask for the new keys, which whoever announced them has stored
 * here before; the heights that were signed are kept by miner and not by key, so no height is signed twice.
 */
import { encode } from "@holdfast/base";
import { methods, none, readActor, readMinerHead } from "@holdfast/consensus";
import type { MineNeeds } from "./needs.ts";

/** Rounds after which a confirmation that failed is sent anew. */
const retryRounds = 20;

/** Confirms an announced worker whose keys are here. */
export async function confirmWorker({ chain, miner, signer, sender, logger }: MineNeeds): Promise<void> {
  const { state, tipset } = chain.headState();
  const { worker, pendingWorker, previousWorker } = readMinerHead(chain.store, state, miner);
  if (pendingWorker === null) return;
  const next = tipset.height + 1;
  const isTooEarly = next < pendingWorker.effectiveAt || next <= (previousWorker?.answersUntil ?? -1);
  if (isTooEarly) return;
  // Who mines elsewhere confirms there: without the keys this node would only stop.
  if (!signer.has(pendingWorker.worker) || !signer.hasBls(pendingWorker.workerKey)) return;
  const key = `confirmWorker/${pendingWorker.effectiveAt}/${Math.floor(next / retryRounds)}`;
  if (sender.sentAs(key) !== undefined || !signer.has(worker)) return;
  // It could pay for no proof.
  if ((readActor(chain.store, state, pendingWorker.worker)?.balance ?? 0n) === 0n) {
    logger.warn("the announced worker has no money yet and is not confirmed", {
      worker: pendingWorker.worker,
    });
    return;
  }
  const params = encode(methods.miner.confirmWorker.params, none);
  await sender.send({ from: worker, to: miner, method: "confirmWorker", params, key });
  logger.info("the announced worker is confirmed", { worker: pendingWorker.worker });
}
