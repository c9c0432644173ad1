/**
 * What a branch of headers weighs, counted by who follows headers only: each block as Expected Consensus weighs it,
 * but only if a miner with power in the trusted state has signed it and its draw and ticket are that miner's and win.
 * Weights that headers claim are not looked at. Power is that of the trusted state for the whole branch: what has been
 * gained or lost since does not count, for one branch as little as for the other.
 */
import { blsVerify } from "@holdfast/base";
import { electionInput, isWinner, type PowerTable, ticketInput, tipsetWeight } from "../rules/election.ts";
import { type BlockHeader, isBlockSigned } from "../types/block.ts";
import type { Tipset } from "../types/tipset.ts";
import type { Electorate } from "./electorate.ts";

export interface WeighedBy {
  readonly electorate: Electorate;
  readonly networkId: Uint8Array;
}

/** Weight (×1000) that the branch adds to the tipset on which it stands; ascending. */
export function branchWeight(below: Tipset, branch: readonly Tipset[], by: WeighedBy): bigint {
  const { totalPower, voices } = by.electorate;
  const power: PowerTable = { total: totalPower, powerOf: (miner) => voices.get(miner)?.power ?? 0n };
  let weight = 0n;
  let parent = below;
  for (const tipset of branch) {
    const { minTicket } = parent;
    const blocks = tipset.blocks.filter((header) => isEarned(header, minTicket, by));
    weight += tipsetWeight({ height: tipset.height, parentWeight: 0n, blocks }, power);
    parent = tipset;
  }
  return weight;
}

function isEarned(
  header: BlockHeader,
  minTicket: Uint8Array,
  { electorate: { voices, totalPower }, networkId }: WeighedBy,
): boolean {
  const { miner, height, electionProof, ticket } = header;
  const voice = voices.get(miner);
  return (
    voice !== undefined &&
    isWinner(electionProof, voice.power, totalPower) &&
    isBlockSigned(header, voice.worker, networkId) &&
    blsVerify(voice.workerKey, electionInput(minTicket, height, miner), electionProof) &&
    blsVerify(voice.workerKey, ticketInput(minTicket, height, miner), ticket)
  );
}
