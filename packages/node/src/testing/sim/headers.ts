/**
 * What a header claims, computed anew: from the chain below it, in other words than the rules'. A node that took a
 * block with a lie in it took it into its chain, and that is seen here, whatever the lie was about.
 */
import { blake2b256, blsVerify, readBigEndian, verifySignature } from "@holdfast/base";
import {
  type BlockHeader,
  blockCid,
  blockSigningBytes,
  electionInput,
  messageCid,
  messageSigningBytes,
  readMinerState,
  ticketInput,
  winningPostSeed,
} from "@holdfast/consensus";
import type { CheckedTipset, Oracle, TipsetCheck } from "./invariants.ts";

export const honestHeaders: TipsetCheck = ({ tipset, parent }, oracle) => {
  if (parent === undefined) return undefined;
  for (const header of tipset.blocks) {
    const wrong = placeOf(header, parent, oracle) ?? drawOf(header, parent, oracle);
    if (wrong !== undefined) return `the block of ${header.miner}: ${wrong}`;
  }
  return undefined;
};

function placeOf(
  header: BlockHeader,
  parent: CheckedTipset,
  { params, genesisTimeMs }: Oracle,
): string | undefined {
  if (header.height <= parent.tipset.height) return `height ${header.height} on ${parent.tipset.height}`;
  if (header.timestampMs !== genesisTimeMs + header.height * params.roundMs)
    return "a time of another height";
  if (header.parentWeight !== parent.weight)
    return `it claims the weight ${header.parentWeight}, not ${parent.weight}`;
  if (!header.parentState.equals(parent.state)) return "it claims another state of its parents";
  return undefined;
}

function drawOf(header: BlockHeader, parent: CheckedTipset, oracle: Oracle): string | undefined {
  const { miner, height, electionProof, ticket, winningPost } = header;
  const { store, networkId, params, verifier } = oracle;
  const view = readMinerState(store, parent.state, miner);
  const { elected: power, isStill } = oracle.powerOfAll(parent.state);
  const own = power.by.get(miner) ?? 0n;
  const draw = readBigEndian(blake2b256(electionProof));
  if (draw * power.total >= own * 2n ** 256n) return "it did not win";
  const { minTicket } = parent.tipset;
  const { workerKey } = view;
  if (!blsVerify(workerKey, electionInput(minTicket, height, miner), electionProof))
    return "another election proof";
  if (!blsVerify(workerKey, ticketInput(minTicket, height, miner), ticket)) return "another ticket";
  if (!verifySignature(blockSigningBytes(header, networkId), header.signature, view.worker))
    return "not signed";
  const seed = winningPostSeed(electionProof);
  const all = oracle.sectorsOf(parent.state, miner);
  const sectors = isStill ? all : all.filter(({ faultySince }) => faultySince === null);
  // A sector has as many lots as the smallest fits into it: sizes are powers of two.
  const lotBytes = Math.min(...sectors.map(({ sectorBytes }) => sectorBytes));
  const lots = sectors.flatMap((one) => Array.from({ length: one.sectorBytes / lotBytes }, () => one));
  const sector = lots[Number(readBigEndian(seed) % BigInt(Math.max(1, lots.length)))];
  // All its power is idle space.
  if (sector === undefined && own > 0n) return winningPost.length === 0 ? undefined : "a proof of no sector";
  if (sector === undefined) return "it has no sector";
  const statement = {
    classes: params.sectorClasses,
    kind: "winning",
    seed,
    miner,
    sectors: [sector],
  } as const;
  return verifier.verifyPost({ ...statement, proof: winningPost }) ? undefined : "no proof of its sector";
}

/** Nobody's money moves without its key: every message of every block is signed by who sends it. */
export const signedMessages: TipsetCheck = ({ blocks }, { networkId, params }) => {
  for (const { header, messages } of blocks) {
    let gas = 0;
    for (const signed of messages) {
      const { message, signature } = signed;
      gas += message.gasLimit;
      if (!verifySignature(messageSigningBytes(message, networkId), signature, message.from)) {
        return `the message ${messageCid(signed)} is not signed by ${message.from}`;
      }
    }
    if (gas > params.blockGasLimit) return `the block ${blockCid(header)} holds more gas than a block may`;
  }
  return undefined;
};
