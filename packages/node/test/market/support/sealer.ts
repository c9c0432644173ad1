/** What the mining room would do for the test's miners: bring sectors onto the chain and prove them, without proofs. */
import {
  type Address,
  addEpochs,
  blake2b256,
  encode,
  epoch,
  sectorId as toSectorId,
  utf8Bytes,
} from "@holdfast/base";
import { methods, provingPeriodAt, readDeadline, readPreCommit, readSector } from "@holdfast/consensus";
import type { Chain } from "../../../src/chain/index.ts";
import type { Sender } from "../../../src/mempool/index.ts";
import type { Keys } from "./keys.ts";
import type { HonestSector, HonestStorage } from "./storage.ts";

export interface Sealing {
  readonly address: Address;
  readonly worker: Keys;
  readonly sender: Sender;
  readonly storage: HonestStorage;
  readonly seals: boolean;
  readonly proves: boolean;
}

/** The next step of every sector, and the proof of the period if it is due. */
export async function mineSectors(chain: Chain, miner: Sealing): Promise<void> {
  if (miner.seals) for (const sector of miner.storage.sectors) await advance(chain, miner, sector);
  if (miner.proves) await post(chain, miner);
}

async function advance(chain: Chain, miner: Sealing, sector: HonestSector): Promise<void> {
  const { state, tipset } = chain.headState();
  const { height } = tipset;
  const id = toSectorId(sector.sectorId);
  if (sector.state === "staging" || sector.state === "expired") return;
  if (readSector(chain.store, state, miner.address, id) !== undefined) {
    sector.state = "committed";
    return;
  }
  const preCommit = readPreCommit(chain.store, state, miner.address, id);
  if (preCommit === undefined) {
    const params = encode(methods.miner.preCommitSector.params, {
      sectorId: id,
      sectorBytes: sector.sectorBytes,
      commD: miner.storage.commD(id),
      commR: blake2b256(utf8Bytes(`r ${id}`)),
      commRStar: blake2b256(utf8Bytes(`r* ${id}`)),
      ticketEpoch: epoch(Math.max(0, height - 2)),
      expiration: epoch(height + chain.params.maxSectorLifetimeEpochs - 1),
    });
    sector.state = "sealed";
    await send(miner, "preCommitSector", params, `pre/${id}/${patience(height)}`);
  } else if (height > preCommit.preCommittedAt + chain.params.sealChallengeDelayEpochs) {
    const params = encode(methods.miner.commitSector.params, { sectorId: id, proof: new Uint8Array(8) });
    await send(miner, "commitSector", params, `commit/${id}/${patience(height)}`);
  }
}

async function post(chain: Chain, miner: Sealing): Promise<void> {
  const { state, tipset } = chain.headState();
  const next = addEpochs(tipset.height, 1);
  const { window } = provingPeriodAt(chain.params, miner.address, next);
  if (window === null || tipset.height < window.start || next > window.lastEpoch) return;
  const { start: windowStart, index } = window;
  const at = { index, height: next };
  const { partitions } = readDeadline(chain.store, state, chain.params, miner.address, at);
  const named = partitions.filter(({ toProve }) => toProve.length > 0);
  const due = named.flatMap(({ toProve }) => toProve);
  if (due.length === 0) return;
  const params = encode(methods.miner.submitPost.params, {
    windowStart,
    partitions: named.map((partition) => partition.index),
    skipped: [],
    proof: new Uint8Array(8),
  });
  const last = Math.max(...due.map(({ sectorId }) => sectorId));
  await send(miner, "submitPost", params, `post/${windowStart}/${due.length}/${last}`);
}

async function send(miner: Sealing, method: string, params: Uint8Array, key: string): Promise<void> {
  const { sender, address, worker } = miner;
  const gasLimit = 400_000;
  await sender
    .send({ from: worker.address, to: address, method, params, key, gasLimit })
    .catch(() => undefined);
}

/** A message that a reorganisation made fail is sent anew after some rounds. */
const patience = (height: number): number => Math.floor(height / 8);
