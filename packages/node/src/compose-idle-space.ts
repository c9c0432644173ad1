/** Idle space of a node's miner, beside its sectors: who needs room for one gets what idle space gives back. */

import type { MethodResult } from "@holdfast/api";
import { type Address, filText, HoldfastError } from "@holdfast/base";
import { idleFreeAt, readIdleMiner } from "@holdfast/consensus";
import { idleAuxBytes, idleFileBytes, idleProfiles } from "@holdfast/proofs";
import type { Storage } from "@holdfast/storage";
import type { Chain } from "./chain/index.ts";
import type { NodeParts } from "./compose.ts";
import { type IdleVerifierService, idleNetworkOf } from "./compose-verifier.ts";
import { type Idle, inlineMaker, openIdle, threadMaker } from "./idle/index.ts";
import type { Sender } from "./mempool/index.ts";
import type { IdleDoor, VerifierDoorView } from "./rpc/index.ts";

/** Undefined: the node has no miner, or its network counts no idle space. */
export function openIdleSpace(
  parts: NodeParts,
  rooms: { readonly chain: Chain; readonly sender: Sender },
): Idle | undefined {
  const { miner: own, database, logger, clock } = parts;
  const { networkId, params } = rooms.chain;
  const profile = idleProfiles.get(params.idle.profile);
  if (own === undefined || profile === undefined) return undefined;
  const { address: miner, storage } = own;
  const network = idleNetworkOf(parts, rooms, miner);
  const volumes = storage.volumes.idle;
  const isReal = volumes.table().home !== null;
  const usual = isReal ? threadMaker(() => volumes.table()) : inlineMaker(volumes.disk);
  const maker = own.idleMaker ?? usual;
  const patrolMs = own.idlePatrolMs ?? 0;
  return openIdle({ networkId, profile, network, miner, volumes, maker, database, clock, patrolMs, logger });
}

/** The parts of a node whose miner's sectors take room from its idle space. */
export function besideIdleSpace(parts: NodeParts, idle: Idle | undefined): NodeParts {
  const { miner } = parts;
  if (miner === undefined || idle === undefined) return parts;
  const { storage, chores } = miner;
  const adding = chores && { chores: { ...chores, addPiece: addingWith(chores, idle) } };
  return { ...parts, miner: { ...miner, storage: makingRoom(storage, idle), ...adding } };
}

/** What the API knows of idle space: the miner's, and what this node says of others'. */
export function idleDoorsOf(
  rooms: {
    readonly idle: Idle | undefined;
    readonly idleVerifier: IdleVerifierService | undefined;
    readonly chain: Chain;
  },
  miner: Address | undefined,
): { readonly idle: IdleDoor | undefined; readonly verifier: (() => VerifierDoorView) | undefined } {
  const { idle, idleVerifier, chain } = rooms;
  const verifier = idleVerifier && (() => idleVerifier.status());
  return { idle: idleDoorOf(idle, chain, miner), verifier };
}

function idleDoorOf(idle: Idle | undefined, chain: Chain, miner: Address | undefined): IdleDoor | undefined {
  if (idle === undefined || miner === undefined) return undefined;
  const status = () => ({ ...viewOf(idle), onChain: onChain(chain, miner) });
  return {
    "idle.status": async () => status(),
    "idle.fill": async ({ maxBytes, threads, memoryBytes }) => {
      idle.fill({
        ...(maxBytes === undefined ? {} : { maxBytes }),
        ...(threads === undefined ? {} : { threads }),
        ...(memoryBytes === undefined ? {} : { memoryBytes }),
      });
      return status();
    },
    "idle.drain": async ({ bytes }) => {
      idle.drain(bytes);
      return status();
    },
  };
}

type StatusView = MethodResult<"idle.status">;

function onChain(chain: Chain, miner: Address): StatusView["onChain"] {
  const { state, tipset } = chain.headState();
  const record = readIdleMiner(chain.store, state, miner);
  if (record === undefined) return null;
  const { challenge, power, pledge, burnt, lastProven, faultySince, faults } = record;
  return {
    powerBytes: Number(power),
    pledgeFil: filText(pledge),
    freeFil: filText(idleFreeAt(record, tipset.height + 1)),
    lostFil: filText(burnt),
    ...{ lastProven, faultySince, missed: faults },
    dueAt: challenge && (challenge.total === null ? challenge.answerBy : challenge.settleBy),
  };
}

function viewOf(idle: Idle): Omit<StatusView, "onChain"> {
  const { profile, settings, volumes, openAudits, ...rest } = idle.status();
  return {
    ...rest,
    ...settings,
    profile: profile.id,
    fileBytes: idleFileBytes(profile) + idleAuxBytes(profile),
    volumes: volumes.map(({ fileCount, ...one }) => ({ ...one, files: fileCount })),
    openChallenges: openAudits,
  };
}

/** A storage whose new sectors take room from idle space where there is no other. */
export function makingRoom(storage: Storage, idle: Pick<Idle, "hold" | "makeRoom">): Storage {
  return {
    ...storage,
    addPiece: addingWith(storage, idle),
    addCommittedCapacity: (sectorBytes) => withRoom(idle, () => storage.addCommittedCapacity(sectorBytes)),
  };
}

/** Adds pieces, by the storage itself or by its jobs; a source is not read before there is room. */
const addingWith =
  (by: Pick<Storage, "addPiece">, idle: Pick<Idle, "hold" | "makeRoom">): Storage["addPiece"] =>
  (piece, signal) =>
    withRoom(idle, () => by.addPiece(piece, signal), signal);

/** Tries again as long as idle space has what is missing. Errors of `work`. */
async function withRoom<Result>(
  idle: Pick<Idle, "hold" | "makeRoom">,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  let release: (() => void) | undefined;
  try {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const missing = missingBytes(error);
        if (missing === undefined) throw error;
        release ??= idle.hold(); // what becomes free is not filled before the sector has it
        if (!(await isFreed(idle, missing, signal))) throw error;
      }
    }
  } finally {
    release?.();
  }
}

async function isFreed(idle: Pick<Idle, "makeRoom">, bytes: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await idle.makeRoom(bytes, signal);
    return true;
  } catch (error) {
    if (error instanceof HoldfastError && error.code.startsWith("idle/")) return false;
    throw error;
  }
}

/** What a sector that was refused would need; undefined: that was not the reason. */
function missingBytes(error: unknown): number | undefined {
  if (!(error instanceof HoldfastError)) return undefined;
  const { neededBytes, availableBytes = 0 } = error.data;
  const isRoom = error.code === "storage/full" || error.code === "storage/no-volume";
  if (!isRoom || typeof neededBytes !== "number") return undefined;
  return Math.max(1, neededBytes - Number(availableBytes));
}
