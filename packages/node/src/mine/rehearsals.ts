/**
 * The proof of each deadline is rehearsed before its window opens, while a fault may still be declared: what is
 * declared costs less than what is skipped in the proof, and much less than what is missed. Each window's sectors are
 * read once; those that cannot be proven a second time at the next head, and are declared if they still cannot. The
 * chain is not told of anything else: a rehearsal's challenge is made up.
 */
import { addEpochs, encode, sectorId, toHex } from "@holdfast/base";
import { methods, nextWindowOf, readDeadline, readMinerState } from "@holdfast/consensus";
import { limits } from "../limits.ts";
import type { MineNeeds, MineStorage } from "./needs.ts";
import { untriedKey } from "./tries.ts";

/** Rounds before the last at which a declaration is taken: to read, to look again, and to be mined. */
const leadRounds = { most: 12, least: 2 } as const;

/** Windows that were rehearsed → their sectors that could not be proven, once or, if they are declared, twice. */
export type Rehearsed = Map<string, { readonly faults: readonly number[]; readonly isDeclared: boolean }>;

export async function rehearsePosts(needs: MineNeeds, rehearsed: Rehearsed): Promise<void> {
  const { chain, miner, storage } = needs;
  if (storage.rehearse === undefined) return;
  const { state, tipset } = chain.headState();
  const { params } = chain;
  const next = addEpochs(tipset.height, 1);
  for (let index = 0; index < params.deadlinesPerPeriod; index += 1) {
    const window = nextWindowOf(params, miner, index, next);
    const rounds = window.start - params.declarationCutoffEpochs - next;
    if (rounds < leadRounds.least || rounds > leadRounds.most) continue;
    const name = `${window.start}/${index}`;
    const before = rehearsed.get(name);
    if (before?.faults.length === 0) continue;
    if (before?.isDeclared === true) {
      await declare(needs, name, before.faults);
      continue;
    }
    const { partitions } = readDeadline(chain.store, state, params, miner, { index, height: next });
    const due = partitions.flatMap(({ toProve }) => toProve.map((sector): number => sector.sectorId));
    const asked = before === undefined ? due : due.filter((id) => before.faults.includes(id));
    const faults = await faultsOf(
      storage.rehearse,
      toHex(chain.head().cids[0]?.bytes ?? new Uint8Array()),
      asked,
    );
    rehearsed.set(name, { faults, isDeclared: before !== undefined });
    if (before !== undefined && faults.length > 0) await declare(needs, name, faults);
  }
}

/** Sectors that cannot be proven now. */
async function faultsOf(
  rehearse: NonNullable<MineStorage["rehearse"]>,
  challenge: string,
  ids: readonly number[],
): Promise<number[]> {
  const seed = new TextEncoder().encode(challenge.slice(-32).padStart(32, "0"));
  const faults: number[] = [];
  for (let at = 0; at < ids.length; at += limits.postSectors) {
    faults.push(...(await rehearse(seed, ids.slice(at, at + limits.postSectors))));
  }
  return faults;
}

/** Nothing while a declaration of this window is on its way or has taken effect; a branch may have refused one. */
async function declare(needs: MineNeeds, name: string, faults: readonly number[]): Promise<void> {
  const { chain, miner, sender, logger } = needs;
  const key = untriedKey(sender, `declareFaults/${name}`);
  if (key === undefined) return;
  const params = encode(methods.miner.declareFaults.params, { sectorIds: faults.map((id) => sectorId(id)) });
  const { worker } = readMinerState(chain.store, chain.headState().state, miner);
  await sender.send({ from: worker, to: miner, method: "declareFaults", params, key });
  logger.warn("sectors that cannot be proven are declared faulty before their deadline", {
    sectors: [...faults],
  });
}
