/**
 * Faulty sectors that can be proven again are declared recovering, so that the next proof of their deadline
 * asks for them and gives their power back. Each deadline's faulty sectors are rehearsed once for each of its
 * windows, or again after a pause while they still cannot be read: a rehearsal reads all of them. Nothing is
 * declared about a deadline that is open or about to be, because the chain would refuse it; what a branch has refused
 * is declared again.
 */
import { addEpochs, encode, sectorId } from "@holdfast/base";
import {
  isFrozen,
  methods,
  nextWindowOf,
  readMinerState,
  readSectors,
  type Sector,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import type { MineNeeds } from "./needs.ts";
import { type Doubts, provable } from "./posts.ts";
import { untriedKey } from "./tries.ts";

/** Rounds that a declaration may take into a block. */
const marginRounds = 2;

/** Announces faulty sectors that can be proven again. */
export async function recoverSectors(needs: MineNeeds, doubts: Doubts): Promise<void> {
  const { chain, miner } = needs;
  const { state, tipset } = chain.headState();
  const next = addEpochs(tipset.height, 1);
  const faulty = readSectors(chain.store, state, miner).filter(
    (sector) => sector.faultySince !== null && sector.recoveringSince === null,
  );
  for (const index of new Set(faulty.map((sector) => sector.deadlineIndex))) {
    const isTooLate = [next, addEpochs(next, marginRounds)].some((at) =>
      isFrozen(chain.params, miner, index, at),
    );
    if (isTooLate) continue;
    const { start } = nextWindowOf(chain.params, miner, index, next);
    const sectors = faulty.filter((sector) => sector.deadlineIndex === index);
    await recover(needs, doubts, `declareRecovery/${start}/${index}`, sectors.slice(0, limits.postSectors));
  }
}

async function recover(
  needs: MineNeeds,
  doubts: Doubts,
  name: string,
  sectors: readonly Sector[],
): Promise<void> {
  const { chain, miner, sender, storage } = needs;
  const ids = sectors.map((sector) => sector.sectorId);
  const key = `${name}/${ids.join(",")}`;
  const { height } = chain.head();
  const { proofWindowEpochs } = chain.params;
  const noticed = doubts.get(key);
  const untried = untriedKey(sender, key);
  if (untried === undefined) return;
  if (noticed !== undefined && height < noticed + Math.max(1, proofWindowEpochs / 4)) return;
  const { proven } = await provable(storage, new Uint8Array(32), ids);
  if (proven.length < ids.length) doubts.set(key, height);
  if (proven.length === 0) return;
  const params = encode(methods.miner.declareRecovery.params, {
    sectorIds: proven.map((id) => sectorId(id)),
  });
  const { worker } = readMinerState(chain.store, chain.headState().state, miner);
  await sender.send({ from: worker, to: miner, method: "declareRecovery", params, key: untried });
}
