/**
 * A sector's way onto the chain, one step at a time and each resumable: the ticket from the chain goes
 * into the replica, the pre-commitment fixes its roots, the chain's later randomness chooses what is
 * asked, the proof makes it count. What happened already is read from the chain and from the storage's
 * own records, never from memory: after a kill the next look goes on where the last one was.
 */
import {
  type CID,
  encode,
  epoch,
  equalBytes,
  filText,
  HoldfastError,
  sectorId as sectorNumber,
  toHex,
} from "@holdfast/base";
import {
  exitCodeMeaning,
  inclusionGas,
  methods,
  type NetworkParams,
  networkIdOf,
  type PreCommit,
  proofGas,
  randomnessTags,
  readMinerState,
  readPreCommit,
  readSector,
  sealEntropy,
  sealSnarks,
  sectorIdentityOf,
  stateGas,
  type Tipset,
} from "@holdfast/consensus";
import { finalTipset } from "../final.ts";
import { limits } from "../limits.ts";
import { mineErrors } from "./errors.ts";
import type { MineNeeds, MineSector } from "./needs.ts";

type Ticket = NonNullable<MineSector["ticket"]>;

/** The ticket is taken below the head, where a small reorganisation does not change it. */
const ticketDepthEpochs = 5;
/** A ticket that leaves the chain's look-back within so many rounds is not sent any more. */
const ticketMarginEpochs = 5;
/** Rounds by which the seal seed must be buried before it is proven on. */
const seedDepthEpochs = 1;
/** What a commitment touches of the state: eight times what a miner of 90 sectors was seen to use. */
const commitTouch = { objects: 60, bytes: 40_000 } as const;
/** Messages that change the state have their signature and envelope on top of the parameters (bytes). */
const envelopeBytes = 320;

/** Does the next step of one sector; resolves when there is nothing to do until the chain moves on. */
export async function advanceSector(
  needs: MineNeeds,
  sector: MineSector,
  signal: AbortSignal,
): Promise<void> {
  switch (sector.state) {
    case "closing":
      return seal(needs, sector);
    case "sealed":
      return proveWhenChallenged(needs, sector, signal);
    case "proved":
      return commit(needs, sector, signal);
    case "committed":
    case "faulty":
      return expire(needs, sector);
    case "failed":
      return needs.storage.retry(sector.sectorId);
  }
}

async function seal(needs: MineNeeds, sector: MineSector): Promise<void> {
  const { chain, miner, storage } = needs;
  const head = chain.head();
  const at = epoch(Math.max(0, head.height - ticketDepthEpochs));
  const bytes = chain.randomnessBelow(head)(
    at,
    randomnessTags.sealTicket,
    sealEntropy(miner, sector.sectorId),
  );
  const identity = { networkId: networkIdOf(chain.params), miner };
  await storage.seal(sector.sectorId, { epoch: at, bytes }, identity);
}

async function proveWhenChallenged(needs: MineNeeds, sector: MineSector, signal: AbortSignal): Promise<void> {
  const { chain, miner, storage } = needs;
  const { state } = chain.headState();
  const id = sectorNumber(sector.sectorId);
  if (readSector(chain.store, state, miner, id) !== undefined) return;
  const preCommit = readPreCommit(chain.store, state, miner, id);
  if (preCommit === undefined) return preCommitSector(needs, sector, signal);
  checkTicket(sector, preCommit);
  const seed = sealSeed(needs, preCommit);
  if (seed !== undefined) await storage.prove(sector.sectorId, seed);
}

/** The seed of the challenge as the present chain draws it; undefined before its epoch is buried. */
function sealSeed({ chain, miner }: MineNeeds, preCommit: PreCommit): Uint8Array | undefined {
  const at = epoch(preCommit.preCommittedAt + chain.params.sealChallengeDelayEpochs);
  if (chain.head().height < at + seedDepthEpochs) return undefined;
  const entropy = sealEntropy(miner, preCommit.sectorId);
  return chain.randomnessBelow(chain.head())(at, randomnessTags.sealSeed, entropy);
}

/** The chain has read the ticket when it took the pre-commitment; a replica of another one is worth nothing. */
function checkTicket({ sectorId, ticket }: MineSector, preCommit: PreCommit): void {
  if (ticket !== null && equalBytes(ticket.bytes, preCommit.ticket)) return;
  throw mineErrors.sealLost({ sectorId, reason: "a reorganisation has drawn another ticket for it" });
}

/** Whether a pre-commitment that is sent now will find the replica's ticket on the chain. */
function holdsTicket({ chain, miner }: MineNeeds, sector: MineSector, ticket: Ticket): boolean {
  const head = chain.head();
  if (ticket.epoch > head.height) return false;
  if (ticket.epoch < head.height + ticketMarginEpochs - chain.params.ticketLookbackEpochs) return false;
  const entropy = sealEntropy(miner, sector.sectorId);
  const drawn = chain.randomnessBelow(head)(epoch(ticket.epoch), randomnessTags.sealTicket, entropy);
  return equalBytes(drawn, ticket.bytes);
}

async function preCommitSector(needs: MineNeeds, sector: MineSector, signal: AbortSignal): Promise<void> {
  const { chain, miner, storage } = needs;
  const { ticket, commitments, sectorId } = sector;
  if (ticket === null || commitments === null) return;
  const attempt = await nextAttempt(needs, `sector/${sectorId}/pre-commit/${ticket.epoch}`, signal);
  if ("taken" in attempt) {
    const expired = chain.head().height > attempt.taken.height + chain.params.preCommitExpiryEpochs;
    if (expired) throw mineErrors.sealLost({ sectorId, reason: "the chain has given it up" });
    return;
  }
  // The number is not used yet: the pieces can be sealed once more under it.
  if (!holdsTicket(needs, sector, ticket))
    return storage.restart(sectorId, "the chain does not hold its ticket any more");
  const { freeBalance } = readMinerState(chain.store, chain.headState().state, miner);
  const pledge = chain.params.minPledgePerSector;
  if (freeBalance < pledge)
    throw mineErrors.pledgeMissing({
      sectorId,
      miner,
      freeFil: filText(freeBalance),
      needFil: filText(pledge),
    });
  const { maxSectorLifetimeEpochs } = chain.params;
  const params = encode(methods.miner.preCommitSector.params, {
    sectorId: sectorNumber(sector.sectorId),
    sectorBytes: sector.sectorBytes,
    commD: commitments.commD,
    commR: commitments.commR,
    commRStar: commitments.commRStar,
    ticketEpoch: epoch(ticket.epoch),
    // One round less than the longest: the message is executed later than it is made.
    expiration: epoch(chain.head().height + maxSectorLifetimeEpochs - 1),
  });
  // Not from a dry run: the pre-commitments that go into the same block make each next one dearer.
  const gasLimit = callGas(chain.params, params.length);
  await sendAndCheck(
    needs,
    { method: "preCommitSector", params, key: attempt.key, sectorId, gasLimit },
    signal,
  );
}

async function commit(needs: MineNeeds, sector: MineSector, signal: AbortSignal): Promise<void> {
  const { chain, miner, storage, proofs } = needs;
  const { state } = chain.headState();
  const id = sectorNumber(sector.sectorId);
  if (readSector(chain.store, state, miner, id) !== undefined) return confirmWhenFinal(needs, sector);
  const preCommit = readPreCommit(chain.store, state, miner, id);
  if (preCommit === undefined) return preCommitSector(needs, sector, signal);
  checkTicket(sector, preCommit);
  const seed = sealSeed(needs, preCommit);
  if (seed === undefined) return;
  const attempt = await nextAttempt(needs, `sector/${sector.sectorId}/commit/${toHex(seed)}`, signal);
  if ("taken" in attempt) return;
  const proof = await storage.readSealProof(sector.sectorId);
  const { sectorBytes, commR, commRStar } = preCommit;
  const identity = sectorIdentityOf(chain.params, miner, preCommit);
  const classes = chain.params.sectorClasses;
  const statement = { classes, sectorBytes, identity, commR, commRStar, seed, proof };
  // A reorganisation may have drawn another challenge since: a proof that no longer holds is made again, not sent.
  if (!(await proofs.check({ check: "seal", statement }))) return storage.prove(sector.sectorId, seed);
  const params = encode(methods.miner.commitSector.params, { sectorId: id, proof });
  const gasLimit =
    callGas(chain.params, params.length) +
    proofGas(chain.params.gas, "seal", proof.length, sealSnarks(chain.params, sectorBytes));
  await sendAndCheck(
    needs,
    { method: "commitSector", params, key: attempt.key, sectorId: sector.sectorId, gasLimit },
    signal,
  );
}

/** A commitment's message without its proof. */
function callGas({ gas }: NetworkParams, paramBytes: number): number {
  const bytes = gas.paramByte * paramBytes;
  return inclusionGas(gas, paramBytes + envelopeBytes) + bytes + stateGas(gas, commitTouch);
}

interface SectorMessage {
  readonly method: "preCommitSector" | "commitSector";
  readonly params: Uint8Array;
  readonly key: string;
  readonly sectorId: number;
  readonly gasLimit: number;
}

/**
 * The key under which a message is to be sent, or the tipset that has taken one of its attempts. A message
 * that failed on the chain, or can never be mined, is followed by another. Error: `mine/attempts-spent`.
 */
async function nextAttempt(
  { sender }: MineNeeds,
  name: string,
  signal: AbortSignal,
): Promise<{ readonly key: string } | { readonly taken: Tipset }> {
  for (let attempt = 0; attempt < limits.sectorMessageAttempts; attempt += 1) {
    const key = attempt === 0 ? name : `${name}/${attempt}`;
    const sent = sender.sentAs(key);
    if (sent === undefined) return { key };
    try {
      const { receipt, tipset } = await sender.wait(sent.cid, { signal });
      if (receipt.exitCode === 0) return { taken: tipset };
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== "sender/replaced") throw error;
    }
  }
  throw mineErrors.attemptsSpent({ message: name, attempts: limits.sectorMessageAttempts });
}

/** Sends and waits for the block; a failure on the chain is told. */
async function sendAndCheck(needs: MineNeeds, message: SectorMessage, signal: AbortSignal): Promise<void> {
  const { chain, miner, sender } = needs;
  const { worker } = readMinerState(chain.store, chain.headState().state, miner);
  const { method, params, key, gasLimit } = message;
  const { cid }: { readonly cid: CID } = await sender.send({
    from: worker,
    to: miner,
    method,
    params,
    key,
    gasLimit,
  });
  const { receipt } = await sender.wait(cid, { signal });
  if (receipt.exitCode === 0) return;
  const { sectorId } = message;
  const meaning = exitCodeMeaning(receipt.exitCode);
  throw mineErrors.messageFailed({ method, sectorId, exitCode: receipt.exitCode, meaning });
}

/** What a reorganisation can no longer take back. */
function finalState({ chain }: MineNeeds): CID | undefined {
  return chain.stateAfter(finalTipset(chain).key);
}

function isIn(needs: MineNeeds, state: CID, sector: MineSector): boolean {
  return readSector(needs.chain.store, state, needs.miner, sectorNumber(sector.sectorId)) !== undefined;
}

/** The means to seal again are kept until nothing can undo the commitment. */
async function confirmWhenFinal(needs: MineNeeds, sector: MineSector): Promise<void> {
  const state = finalState(needs);
  if (state !== undefined && isIn(needs, state, sector))
    await needs.storage.confirmCommitted(sector.sectorId);
}

/**
 * A confirmed sector was final once: if it is gone from there, its life is over. A branch of fewer tipsets may put what
 * is final further back, before the sector's time; then the head has it still.
 */
async function expire(needs: MineNeeds, sector: MineSector): Promise<void> {
  const state = finalState(needs);
  if (state === undefined || isIn(needs, state, sector)) return;
  if (!isIn(needs, needs.chain.headState().state, sector)) await needs.storage.markExpired(sector.sectorId);
}
