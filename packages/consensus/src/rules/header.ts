/**
 * Validation of a header: everything that a peer claims in it, each lie with its own code. In three steps, so
 * that the costly part can run on another thread: `checkHeader` compares plain data and looks facts up in the
 * parent state; it returns the proofs that are left to verify as data; `verifyHeaderProof` verifies one.
 * Cheap comes first: a forger pays more for a header than we do for refusing it.
 */
import type { Address, Blockstore, CID } from "@holdfast/base";
import { blsVerify } from "@holdfast/base";
import type { PostSector, PostStatement, Verifier } from "@holdfast/proofs/verify";
import { blockErrors } from "../errors.ts";
import type { BlockHeader } from "../types/block.ts";
import { isBlockSigned, maxWinningPostBytes } from "../types/block.ts";
import type { NetworkParams } from "../types/params.ts";
import type { Tipset } from "../types/tipset.ts";
import { readElectionFacts } from "../views/miner.ts";
import { electionInput, isWinner, ticketInput, winningPostSeed, winningSector } from "./election.ts";

/** What the node knows about the parent and the time. */
export interface HeaderView {
  readonly store: Blockstore;
  /** State of the parent tipset. */
  readonly parentState: CID;
  /** `tipsetWeight` of the parent tipset. */
  readonly parentWeight: bigint;
  /** `networkIdOfGenesis` of the chain: what the signature is bound to. */
  readonly networkId: Uint8Array;
  /** Timestamp of the genesis block (milliseconds). */
  readonly genesisTimeMs: number;
  /** This machine's clock (milliseconds). */
  readonly nowMs: number;
}

/** A costly check as data; each is independent of the others. */
export type HeaderProof =
  | {
      readonly kind: "signature";
      readonly header: BlockHeader;
      readonly worker: Address;
      readonly networkId: Uint8Array;
    }
  | {
      readonly kind: "election" | "ticket";
      readonly miner: Address;
      readonly key: Uint8Array;
      readonly input: Uint8Array;
      readonly output: Uint8Array;
    }
  | { readonly kind: "winning-post"; readonly statement: PostStatement };

/** The time that a block of this height must carry (milliseconds since the Unix epoch). */
export function timestampOf(
  params: Pick<NetworkParams, "roundMs">,
  genesisTimeMs: number,
  height: number,
): number {
  return genesisTimeMs + height * params.roundMs;
}

function checkPosition(header: BlockHeader, parent: Tipset, view: HeaderView, params: NetworkParams): void {
  // The key has the parents in ascending order and each once, so equal texts mean all of that.
  const parents = header.parents.join(",");
  if (parents !== parent.key) throw blockErrors.wrongParents({ parents, expected: parent.key });
  if (header.height <= parent.height) {
    throw blockErrors.heightNotAboveParent({ height: header.height, parent: parent.height });
  }
  const { timestampMs } = header;
  const expectedMs = timestampOf(params, view.genesisTimeMs, header.height);
  if (timestampMs !== expectedMs) throw blockErrors.wrongTimestamp({ timestampMs, expectedMs });
  if (timestampMs > view.nowMs + params.futureToleranceMs) {
    throw blockErrors.fromTheFuture({ timestampMs, nowMs: view.nowMs });
  }
  if (header.parentWeight !== view.parentWeight) {
    throw blockErrors.wrongParentWeight({
      claimed: header.parentWeight.toString(),
      expected: view.parentWeight.toString(),
    });
  }
  const [claimed, expected] = [header.parentState.toString(), view.parentState.toString()];
  if (claimed !== expected) throw blockErrors.wrongParentState({ claimed, expected });
  if (header.winningPost.length > maxWinningPostBytes) {
    throw blockErrors.winningPostTooLarge({ bytes: header.winningPost.length, limit: maxWinningPostBytes });
  }
}

/**
 * All checks without cryptography; returns the proofs that are left, cheapest first. Errors: `block/`
 * `wrong-parents`, `height-not-above-parent`, `wrong-timestamp`, `from-the-future`, `wrong-parent-weight`,
 * `wrong-parent-state`, `winning-post-too-large`, `unknown-miner`, `no-power`, `not-a-winner`, `needless-proof`.
 */
export function checkHeader(
  header: BlockHeader,
  parent: Tipset,
  view: HeaderView,
  params: NetworkParams,
): HeaderProof[] {
  checkPosition(header, parent, view, params);
  const { miner, height, electionProof, ticket } = header;
  const facts = readElectionFacts(view.store, view.parentState, miner);
  if (facts === undefined) throw blockErrors.unknownMiner({ miner });
  const { power, totalPower, worker, workerKey } = facts;
  if (power === 0n) throw blockErrors.noPower({ miner });
  if (!isWinner(electionProof, power, totalPower)) {
    throw blockErrors.notAWinner({ miner, power: power.toString(), total: totalPower.toString() });
  }
  const sector = winningSector(electionProof, facts.readProvableSectors());
  // All its power is idle space, which was proven when it was last challenged.
  if (sector === undefined && header.winningPost.length > 0) throw blockErrors.needlessProof({ miner });
  return [
    { kind: "signature", header, worker, networkId: view.networkId },
    {
      kind: "election",
      miner,
      key: workerKey,
      input: electionInput(parent.minTicket, height, miner),
      output: electionProof,
    },
    {
      kind: "ticket",
      miner,
      key: workerKey,
      input: ticketInput(parent.minTicket, height, miner),
      output: ticket,
    },
    ...(sector === undefined ? [] : [winningPostOf(header, params, sector)]),
  ];
}

function winningPostOf(
  { miner, electionProof, winningPost }: BlockHeader,
  { sectorClasses }: NetworkParams,
  sector: PostSector,
): HeaderProof {
  const seed = winningPostSeed(electionProof);
  const asked = { classes: sectorClasses, kind: "winning", seed, miner, sectors: [sector] } as const;
  return { kind: "winning-post", statement: { ...asked, proof: winningPost } };
}

/**
 * Verifies one costly claim. Errors: `block/bad-signature`, `bad-election-proof`, `bad-ticket`,
 * `bad-winning-post`.
 */
export function verifyHeaderProof(proof: HeaderProof, verifier: Verifier): void {
  switch (proof.kind) {
    case "signature": {
      const { header, worker, networkId } = proof;
      if (!isBlockSigned(header, worker, networkId))
        throw blockErrors.badSignature({ miner: header.miner, worker });
      return;
    }
    case "election":
      if (blsVerify(proof.key, proof.input, proof.output)) return;
      throw blockErrors.badElectionProof({ miner: proof.miner });
    case "ticket":
      if (blsVerify(proof.key, proof.input, proof.output)) return;
      throw blockErrors.badTicket({ miner: proof.miner });
    case "winning-post": {
      const { miner, sectors } = proof.statement;
      if (verifier.verifyPost(proof.statement)) return;
      throw blockErrors.badWinningPost({ miner, sector: sectors[0]?.sectorId ?? 0 });
    }
  }
}

/** Checks everything that a header claims but what follows from its messages; see the codes of both steps. */
export function validateHeader(
  header: BlockHeader,
  parent: Tipset,
  view: HeaderView,
  env: { readonly params: NetworkParams; readonly verifier: Verifier },
): void {
  for (const proof of checkHeader(header, parent, view, env.params)) verifyHeaderProof(proof, env.verifier);
}
