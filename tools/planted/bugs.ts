/**
 * Bugs that the simulator must find: each is one text of one source that becomes another. They are such as people
 * write: a check that is left out, an amount taken from the wrong place, an order that is turned round. `seed` is one
 * of CI's seeds that finds it, so that showing it takes one simulation; `npm run sim:planted -- --search` finds
 * another when the sources have changed. What a second check makes up for stands here too: it says which one.
 */

import { engineBugs } from "./engine-bugs.ts";
import { pinBugs } from "./pin-bugs.ts";

/** What CI simulates of the sources as they are: all of these seeds hold. */
export const ciSeeds = { from: 1_000, count: 200, hours: 0.05 } as const;

/**
 * Where a bug is looked for whose own seed does not show it any more: any change of the sources changes the histories.
 * Seeds with many rounds, villains and deaths.
 */
export const richSeeds: readonly number[] = [
  ...[1_017, 1_019, 1_010, 1_009, 1_011, 1_016, 1_023, 1_026],
  // With idle space.
  ...[1_073, 1_159, 1_003],
  // With workers.
  ...[1_131, 1_094, 1_108],
  // With pinning nodes.
  ...[1_041, 1_125, 1_164, 1_188],
];

export interface Bug {
  readonly name: string;
  /** From the root of the project. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly put: string;
  /** Absent: none of CI's seeds is known to find it, or none can, because of what `behind` says. */
  readonly seed?: number;
  /** The second check that makes up for the missing one, so that nothing goes wrong. */
  readonly behind?: string;
}

const law = "packages/consensus/src";
const node = "packages/node/src";

export const bugs: readonly Bug[] = [
  {
    name: "a block adds nothing to the weight",
    file: `${law}/rules/election.ts`,
    find: "weight += blockWeight + share;",
    put: "weight += share;",
    seed: 1_017,
  },
  {
    name: "the parents' weight is believed",
    file: `${law}/rules/header.ts`,
    find: "if (header.parentWeight !== view.parentWeight) {",
    put: "if (header.parentWeight < 0n) {",
    seed: 1_017,
  },
  {
    name: "the parents' state is believed",
    file: `${law}/rules/header.ts`,
    find: "if (claimed !== expected) throw blockErrors.wrongParentState({ claimed, expected });",
    put: "",
    seed: 1_017,
  },
  {
    name: "the timestamp is believed",
    file: `${law}/rules/header.ts`,
    find: "if (timestampMs !== expectedMs) throw",
    put: "if (timestampMs < 0) throw",
    behind: "gossip and the links of headers compare the time as well",
  },
  {
    name: "a round has the time of the next one",
    file: `${law}/rules/header.ts`,
    find: "return genesisTimeMs + height * params.roundMs;",
    put: "return genesisTimeMs + (height + 1) * params.roundMs;",
    seed: 1_017,
  },
  {
    name: "a block may stand beside its parents",
    file: `${law}/rules/header.ts`,
    find: "if (header.height <= parent.height) {",
    put: "if (header.height < parent.height) {",
  },
  {
    name: "the winning proof is not checked",
    file: `${law}/rules/header.ts`,
    find: "if (verifier.verifyPost(proof.statement)) return;",
    put: "if (proof.statement.sectors.length > 0) return;",
    seed: 1_017,
  },
  {
    name: "who has not won may mine",
    file: `${law}/rules/header.ts`,
    find: "if (!isWinner(electionProof, power, totalPower)) {",
    put: "if (power > totalPower) {",
    seed: 1_019,
  },
  {
    name: "the signature of a block is not checked",
    file: `${law}/rules/header.ts`,
    find: "if (!isBlockSigned(header, worker, networkId))",
    put: "if (header.signature.length !== 65)",
    seed: 1_017,
  },
  {
    name: "the election proof is not checked",
    file: `${law}/rules/header.ts`,
    find: 'case "election":\n      if (blsVerify(proof.key, proof.input, proof.output)) return;',
    put: 'case "election":\n      if (proof.output.length > 0) return;',
    seed: 1_017,
  },
  {
    name: "the ticket is not checked",
    file: `${law}/rules/header.ts`,
    find: 'case "ticket":\n      if (blsVerify(proof.key, proof.input, proof.output)) return;',
    put: 'case "ticket":\n      if (proof.output.length > 0) return;',
    seed: 1_017,
  },
  {
    name: "the state root of a block is believed",
    file: `${law}/rules/transition.ts`,
    find: "if (state.claimed !== state.computed) throw blockErrors.wrongStateRoot(state);",
    put: "",
    seed: 1_019,
  },
  {
    name: "receipts of a block are believed",
    file: `${law}/rules/transition.ts`,
    find: "if (receipts.claimed !== receipts.computed) throw blockErrors.wrongReceiptsRoot(receipts);",
    put: "",
    seed: 1_017,
  },
  {
    name: "signatures of messages are not checked",
    file: `${law}/rules/message-checks.ts`,
    find: "if (!isMessageSigned(signed, networkId)) return messageErrors.badSignature({ from: signed.message.from });",
    put: "",
    seed: 1_026,
  },
  {
    name: "a message of the past is executed again",
    file: `${law}/rules/message-checks.ts`,
    find: "if (message.nonce < sender.nonce) return messageErrors.nonceTooLow(data);",
    put: "",
  },
  {
    name: "a message may come before its turn",
    file: `${law}/rules/message-checks.ts`,
    find: "if (message.nonce > sender.nonce) return messageErrors.nonceTooHigh(data);",
    put: "",
  },
  {
    name: "a transfer takes two nonces",
    file: `${law}/vm/apply.ts`,
    find: "nonce: nonce(before.nonce + 1),",
    put: "nonce: nonce(before.nonce + (message.value > 0n ? 2 : 1)),",
    seed: 1_023,
  },
  {
    name: "gas that was not used is not given back",
    file: `${law}/vm/apply.ts`,
    find: "credit(tree, message.from, subAtto(reserve, fee));\n  credit(tree, feeTo, fee);",
    put: "credit(tree, feeTo, reserve);",
    seed: 1_023,
  },
  {
    name: "what a closed channel has left goes to its target",
    file: `${law}/actors/broker/redeem.ts`,
    find: "pay(ctx, payer, rest);",
    put: "pay(ctx, channel.target, rest);",
    seed: 1_010,
  },
  {
    name: "what is left of a channel comes back as the whole deposit",
    file: `${law}/actors/broker/channels.ts`,
    find: "const left = subAtto(channel.amount, channel.redeemed);",
    put: "const left = channel.amount;",
    seed: 1_033,
  },
  {
    name: "a voucher pays its whole amount again",
    file: `${law}/actors/broker/redeem.ts`,
    find: "const due = subAtto(voucher.amount, channel.redeemed);",
    put: "const due = voucher.amount;",
    seed: 1_019,
  },
  {
    name: "a faulty sector keeps its power",
    file: `${law}/actors/miner/judgement.ts`,
    find: "const powerRemoved = wasHealthy ? bytes : 0n;",
    put: "const powerRemoved = 0n;",
    seed: 1_017,
  },
  {
    name: "a missed proof costs as little as a declared fault",
    file: `${law}/actors/miner/judgement.ts`,
    find: "const fee = isMissed ? missedProofFee(sector.pledge) : ongoingFaultFee(sector.pledge);",
    put: "const fee = ongoingFaultFee(sector.pledge);",
    seed: 1_017,
  },
  {
    name: "a recovered sector gets no power",
    file: `${law}/actors/miner/post.ts`,
    find: "if (sector.faultySince !== null) added += BigInt(sector.sectorBytes);",
    put: "",
  },
  {
    name: "one signer is enough for a multisig",
    file: `${law}/actors/multisig/index.ts`,
    find: "if (transaction.approvals.length < state.threshold) {\n    transactions.set",
    put: "if (transaction.approvals.length < 1) {\n    transactions.set",
    seed: 1_017,
  },
  {
    name: "an active deal is lost without a sound",
    file: `${law}/actors/market/book.ts`,
    find: "this.watched.set(key, { ...before, lostAt: height });",
    put: "",
  },
  {
    name: "a deal that is late costs its miner nothing",
    file: `${law}/actors/market/machine.ts`,
    find: 'status === "late" ? percentOf(all, params.lateStartPercent) : zeroAtto;',
    put: "zeroAtto;",
  },
  {
    name: "a missed proof costs nothing",
    file: `${law}/actors/miner/judgement.ts`,
    find: "const isMissed = isDue(sector, start) && !isProven(sector, start);",
    put: "const isMissed = false;",
    seed: 1_017,
  },
  {
    name: "a declared fault keeps its power",
    file: `${law}/actors/miner/faults.ts`,
    find: "if (sector.faultySince === null) removed += BigInt(sector.sectorBytes);",
    put: "",
  },
  {
    name: "a fault is punished twice",
    file: `${law}/actors/miner/slashing.ts`,
    find: 'if (state.slashedAt !== null && later <= state.slashedAt) refuse("it was punished already");',
    put: "",
  },
  {
    name: "a fault is never reported",
    file: `${node}/compose.ts`,
    find: "const onFault = (fault: FoundFault): void => void reportFault(",
    put: "const onFault = (fault: FoundFault): void => void (() => fault)(",
  },
  {
    name: "a miner contradicts its own blocks",
    file: `${node}/mine/blocks.ts`,
    find: 'if (fault !== undefined) {\n    logger.warn("won, but the head',
    put: 'if (fault === "none") {\n    logger.warn("won, but the head',
    behind: "signed heights are on disk, and blocks that were lost are offered again before the next one",
  },
  {
    name: "a node with a claimed height signs again",
    file: `${node}/mine/store.ts`,
    find: 'if (typeof row?.claimed === "number" && row.claimed >= height) return false;',
    put: "",
    behind: "the signed blocks are on disk too, and one that contradicts them is not made",
  },
  {
    name: "a nonce is forgotten when the pool is empty",
    file: `${node}/mempool/sender.ts`,
    find: "return Math.max(this.#pool.nextNonce(from), sent === undefined ? 0 : sent + 1);",
    put: "return this.#pool.nextNonce(from);",
    behind: "whatever lies in the outbox is put into the pool at the start",
  },
  {
    name: "a repeated order sends a second message",
    file: `${node}/mempool/sender.ts`,
    find: "if (known !== undefined) return known;",
    put: "",
    seed: 1_017,
  },
  {
    name: "a missed challenge of idle space costs nothing",
    file: `${law}/actors/idle/tick.ts`,
    find: "const { miner, fee } = fined(record, missedChallengeFee(stake));",
    put: "const { miner, fee } = fined(record, zeroAtto);",
    seed: 1_073,
  },
  {
    name: "who misses a challenge keeps its idle power",
    file: `${law}/actors/idle/tick.ts`,
    find: "    power: 0n,\n",
    put: "",
    seed: 1_073,
  },
  {
    name: "a challenge without an answer waits until it should have been settled",
    file: `${law}/actors/idle/tick.ts`,
    find: "const last = challenge.total === null ? challenge.answerBy : challenge.settleBy;",
    put: "const last = challenge.settleBy;",
    seed: 1_003,
  },
  {
    name: "an answer alone makes idle space healthy",
    file: `${law}/actors/idle/audit.ts`,
    find: "challenge: { ...challenge, total, answeredAt: ctx.height },",
    put: "faultySince: null,\n    challenge: { ...challenge, total, answeredAt: ctx.height },",
    seed: 1_073,
  },
  {
    name: "what was certified is pledged for no longer",
    file: `${law}/actors/idle/certify.ts`,
    find: "const pledge = addAtto(record.pledge, announcement.pledge);",
    put: "const { pledge } = record;",
    seed: 1_073,
  },
  {
    name: "idle money that is paid out stays in the book",
    file: `${law}/actors/idle/deposits.ts`,
    find: "writeMiner(ctx, miner, record, { ...record, free: subAtto(record.free, amount) });",
    put: "writeMiner(ctx, miner, record, { ...record, free: subAtto(record.free, zeroAtto) });",
    seed: 1_159,
  },
  {
    name: "the pledge of idle files that are released is free at once",
    file: `${law}/actors/idle/deposits.ts`,
    find: "bound: addAtto(record.bound, freed),",
    put: "free: addAtto(record.free, freed),",
    seed: 1_073,
  },
  {
    name: "idle files that are released count on",
    file: `${law}/actors/idle/deposits.ts`,
    find: "writeMiner(ctx, miner, record, withPower(ctx, profile, after));",
    put: "writeMiner(ctx, miner, record, after);",
    seed: 1_073,
  },
  ...pinBugs,
  ...engineBugs,
];

export function bugNamed(name: string): Bug {
  const bug = bugs.find((one) => one.name === name);
  if (bug === undefined) throw new TypeError(`there is no bug named ${name}`);
  return bug;
}

/** The source with the bug in it. */
export function planted({ name, file, find, put }: Bug, source: string): string {
  const [before, after, more] = source.split(find);
  if (before === undefined || after === undefined || more !== undefined)
    throw new TypeError(`${file} does not have the one place for the bug "${name}"`);
  return `${before}${put}${after}`;
}
