/**
 * Every exit code of the network in one table, without collisions and with its meaning. 0 is success
 * and nothing else. 1–31 belong to the VM; each actor has a range of 32. The numbers are part of the
 * receipts and therefore never change.
 */

interface ExitCodeSpec {
  readonly code: number;
  readonly meaning: string;
}

const table = {
  ok: { code: 0, meaning: "the message took effect" },

  // VM
  reverted: { code: 1, meaning: "the actor refused the call" },
  negativeValue: { code: 2, meaning: "a transfer cannot be negative" },
  insufficientBalance: { code: 3, meaning: "the sender's balance does not cover the value" },
  unknownMethod: { code: 4, meaning: "the recipient has no method of this name" },
  noActorCode: { code: 5, meaning: "there is no actor with code at this address" },
  invalidParams: { code: 6, meaning: "the parameters are not what the method asks for" },
  outOfGas: { code: 7, meaning: "the gas limit was used up; the whole limit is charged" },
  callDepth: { code: 8, meaning: "calls are nested too deeply" },
  reentrantCall: { code: 9, meaning: "an actor that is still running was called again" },
  selfSend: { code: 10, meaning: "an actor cannot send to itself" },
  notAuthorized: { code: 11, meaning: "the caller may not call this method" },
  actorExists: { code: 12, meaning: "there is already an actor with code at this address" },
  randomnessOutOfRange: { code: 13, meaning: "the chain offers no randomness of this epoch" },
  returnTooLarge: { code: 14, meaning: "the result of the method exceeds the limit" },
  notPayable: { code: 15, meaning: "the method does not take money" },
  stateTooLarge: { code: 16, meaning: "an object of the actor's state exceeds the limit" },
  illegalCall: { code: 17, meaning: "the actor asked the VM for what no actor may have" },
  invalidReceiver: { code: 18, meaning: "no actor of this network can be at this address" },

  // storage market: 32–63
  pledgeTooSmall: { code: 32, meaning: "the collateral is below the minimum pledge" },
  unknownMiner: { code: 33, meaning: "the caller is not a miner of this market" },
  invalidWorkerKey: { code: 34, meaning: "the worker key is not a valid BLS public key" },
  invalidPeerId: { code: 35, meaning: "the peer id is malformed" },

  dealInvalid: { code: 36, meaning: "the deal's terms are not possible" },
  dealTooLate: { code: 37, meaning: "the deal's start deadline has passed" },
  dealSignatureInvalid: { code: 38, meaning: "the client did not sign this" },
  collateralTooSmall: { code: 39, meaning: "a collateral is below the network's share of the price" },
  dealExists: { code: 40, meaning: "there is a deal on this channel already" },
  channelUnfit: { code: 41, meaning: "the payment channel does not pay this deal to its end" },
  insufficientEscrow: { code: 42, meaning: "the free escrow does not cover the amount" },
  dealNotFound: { code: 43, meaning: "there is no such deal" },
  dealNotPublished: { code: 44, meaning: "the deal does not wait for its start" },
  dealNotActive: { code: 45, meaning: "the deal is not active" },
  dealLost: { code: 46, meaning: "a sector of the deal is lost" },
  sectorUnhealthy: { code: 47, meaning: "a sector of the deal is faulty" },
  channelKept: { code: 48, meaning: "the client has not cancelled the deal's channel" },
  amendmentInvalid: { code: 49, meaning: "the change of the deal is not possible, or no longer" },
  minerSlashed: { code: 50, meaning: "the miner has lost everything and its deals are not settled yet" },
  nothingDeposited: { code: 51, meaning: "no money was sent" },

  // miner: 64–127
  notOwner: { code: 64, meaning: "only the miner's owner may do this" },
  notWorker: { code: 65, meaning: "only the miner's worker or owner may do this" },
  askNotFound: { code: 66, meaning: "the miner has no ask with this id" },
  sectorExists: { code: 67, meaning: "the sector id is already in use" },
  sectorNotFound: { code: 68, meaning: "the miner has no sector with this id" },
  sectorSizeNotAllowed: { code: 69, meaning: "the network does not use this sector size" },
  ticketEpochOutOfRange: { code: 70, meaning: "the seal's ticket is too old or from the future" },
  expirationOutOfRange: { code: 71, meaning: "the sector's lifetime is outside the allowed range" },
  insufficientPledge: { code: 72, meaning: "the miner's free balance does not cover the pledge" },
  sealTooEarly: { code: 73, meaning: "the seal's challenge is not drawn yet" },
  preCommitExpired: { code: 74, meaning: "the pre-commitment has expired" },
  sealProofInvalid: { code: 75, meaning: "the seal proof does not verify" },
  postProofInvalid: { code: 76, meaning: "the proof of spacetime does not verify" },
  proofWindowClosed: { code: 77, meaning: "the proof window of this deadline is not open" },
  postAlreadySubmitted: { code: 78, meaning: "the partition's proof was already accepted" },
  nothingToProve: { code: 79, meaning: "the partition has no sector to prove" },
  sectorNotActive: { code: 80, meaning: "the sector is faulty, expired or not yet proven" },
  inclusionProofInvalid: { code: 81, meaning: "the piece is not proven to be in the sector" },
  withdrawTooLarge: { code: 82, meaning: "the amount exceeds the miner's free balance" },
  askInvalid: { code: 83, meaning: "the ask's price or lifetime is out of range" },
  sectorNotFaulty: { code: 84, meaning: "the sector is not faulty" },
  tooManySectors: { code: 85, meaning: "the miner holds the greatest number of sectors allowed" },
  faultReportInvalid: { code: 86, meaning: "the report does not prove a fault of this miner" },
  deadlineFrozen: { code: 87, meaning: "the sector's deadline is open or about to be: its set stands" },
  invalidPartitions: { code: 88, meaning: "the deadline has no such partitions, or one is named twice" },
  sectorNotDue: { code: 89, meaning: "a skipped sector is not asked for by these partitions" },
  noPendingWorker: { code: 90, meaning: "no change of the worker is announced" },
  workerChangeTooEarly: { code: 91, meaning: "the announced worker cannot be confirmed yet" },

  // payment broker: 128–159
  notAccount: { code: 128, meaning: "only account actors can open a channel" },
  channelExists: { code: 129, meaning: "the payer already has a channel with this id" },
  channelNotFound: { code: 130, meaning: "the payer has no channel with this id" },
  endNotLater: { code: 131, meaning: "a channel's end can only be moved later" },
  channelStillOpen: { code: 132, meaning: "the channel has not ended yet" },
  channelEnded: { code: 133, meaning: "the channel has ended" },
  amountAboveChannel: { code: 134, meaning: "the voucher exceeds what the channel holds" },
  wrongTarget: { code: 135, meaning: "the caller is not the channel's target" },
  alreadyRedeemed: { code: 136, meaning: "as much was already redeemed" },
  voucherSignatureInvalid: { code: 137, meaning: "the payer did not sign this voucher" },
  voucherTooEarly: { code: 138, meaning: "the voucher is not valid yet" },
  conditionNotMet: { code: 139, meaning: "the voucher's condition does not hold" },
  endInPast: { code: 140, meaning: "a channel must end in the future" },
  emptyDeposit: { code: 141, meaning: "a channel needs a deposit" },
  payerCanSign: { code: 142, meaning: "an account opens its channels with createChannel" },

  // init and reward: 160–191
  reserveEmpty: { code: 160, meaning: "the reward reserve is used up" },
  upgradeInvalid: { code: 161, meaning: "the upgrade comes too early, or leaves no sound network" },

  // multisig: 192–223
  notSigner: { code: 192, meaning: "only a signer of the multisig may do this" },
  signersInvalid: { code: 193, meaning: "the signers are not distinct, none, or too many" },
  thresholdInvalid: { code: 194, meaning: "the threshold is not between 1 and the number of signers" },
  transactionNotFound: { code: 195, meaning: "the multisig has no open transaction with this id" },
  transactionMismatch: { code: 196, meaning: "the transaction with this id is not the one that was meant" },
  alreadyApproved: { code: 197, meaning: "the signer has approved the transaction before" },
  notProposer: { code: 198, meaning: "only who proposed a transaction can cancel it" },
  tooManyTransactions: { code: 199, meaning: "too many transactions of the multisig are open" },
  fundsLocked: { code: 200, meaning: "the multisig's balance does not cover it, or is still locked" },
  lockInvalid: { code: 201, meaning: "a lock exists already, or is empty" },

  // idle space: 224–255
  idleNotOffered: { code: 224, meaning: "this network counts no idle space" },
  idleUnknownMiner: { code: 225, meaning: "the miner has not registered its idle space" },
  idleMinerExists: { code: 226, meaning: "the miner has registered its idle space before" },
  idleNotMiner: { code: 227, meaning: "there is no miner at this address" },
  notMinersOperator: { code: 228, meaning: "only the miner's worker or owner may do this" },
  verifierInvalid: { code: 229, meaning: "the verifier cannot be admitted as this" },
  verifierUnknown: { code: 230, meaning: "there is no such verifier" },
  verifierNotSeated: { code: 231, meaning: "the verifier has no seat in this matter, or no bond" },
  verifierBound: { code: 232, meaning: "the verifier's bond is still at stake" },
  idlePledgeTooSmall: { code: 233, meaning: "the miner's free deposit does not cover the pledge" },
  idleAnnounced: { code: 234, meaning: "an announcement of the miner is open" },
  idleNotAnnounced: { code: 235, meaning: "the miner has announced no such kept layer" },
  idleTooEarly: { code: 236, meaning: "the challenge is not drawn yet" },
  idleLayersInvalid: { code: 237, meaning: "the kept layer is not the next one, or not possible" },
  idleCertificateInvalid: { code: 238, meaning: "no seated verifier signed this certificate for this state" },
  idleCommitInvalid: {
    code: 239,
    meaning: "the kept layer is not proven at the positions that the chain drew",
  },
  idleNotChallenged: { code: 240, meaning: "the miner's idle space is not challenged" },
  idleTooLate: { code: 241, meaning: "the deadline has passed" },
  idleAnswered: { code: 242, meaning: "the total hash stands already" },
  idleNotAnswered: { code: 243, meaning: "there is no total hash yet" },
  idleVerdictInvalid: { code: 244, meaning: "no seated verifier signed this verdict on this challenge" },
  idleOpeningInvalid: { code: 245, meaning: "an answer that the chain drew is missing or wrong" },
  idleReleaseInvalid: { code: 246, meaning: "a release leaves more files than there are, or none behind it" },
  idleDepositTooSmall: { code: 247, meaning: "the amount exceeds the miner's free deposit" },
  idleAtStake: { code: 248, meaning: "the deposit is at stake in an open challenge" },
  idleEvidenceInvalid: { code: 249, meaning: "this does not show that the verifier signed what is wrong" },
  verifierKeyTooNew: { code: 250, meaning: "the verifier's key is too new to be changed again" },

  // attested pinning: 256–319
  programInvalid: { code: 256, meaning: "the network does not take evidence of this kind" },
  programNotAllowed: { code: 257, meaning: "the network does not let this program run" },
  programExpired: { code: 258, meaning: "the program may not run any more" },
  evidenceRefused: { code: 259, meaning: "the evidence does not prove what it shall" },
  nonceTooOld: { code: 260, meaning: "the draw that the evidence is bound to is too old, or to come" },
  stakeTooSmall: { code: 261, meaning: "the stake is below that of the network" },
  pinNodeExists: { code: 262, meaning: "there is a pinning node of this key or peer id already" },
  pinNodeNotFound: { code: 263, meaning: "there is no pinning node of this number" },
  notOperator: { code: 264, meaning: "only the operator of the pinning node may do this" },
  pinNodeInactive: { code: 265, meaning: "the pinning node is leaving, or was expelled" },
  evidenceExpired: { code: 266, meaning: "the pinning node's evidence is too old; it must attest anew" },
  stakeStillBound: { code: 267, meaning: "the stake answers for reports that can still be disputed" },
  tooManyChallenges: { code: 268, meaning: "as many challenges wait for the node's answer as can" },
  pinTermsInvalid: { code: 269, meaning: "the order is not possible" },
  pinUnderpaid: { code: 270, meaning: "the money does not pay every node for every slot" },
  noPinNodeFree: { code: 271, meaning: "no pinning node takes the order for this price" },
  pinNotFound: { code: 272, meaning: "there is no order of this number" },
  notBuyer: { code: 273, meaning: "only who ordered it may do this" },
  pinEnded: { code: 274, meaning: "the order has ended" },
  nothingToRepair: { code: 275, meaning: "every node that the order asks for is in its place" },
  pinReportForeign: { code: 276, meaning: "the report is not by this node's key" },
  pinReportReplayed: { code: 277, meaning: "the node has reported for this slot already" },
  pinReportLate: { code: 278, meaning: "the slot of the report is over" },
  pinReportEarly: { code: 279, meaning: "the slot of the report has not begun" },
  pinSlotHashWrong: { code: 280, meaning: "the report is about another chain's slot" },
  pinReportUnchained: { code: 281, meaning: "the report does not follow the node's last one" },
  pinSetWrong: { code: 282, meaning: "the report is about other orders than the node's" },
  pinSamplesWrong: { code: 283, meaning: "the samples are not those that were drawn" },
  pinAddedInvalid: { code: 284, meaning: "the confirmed orders are not in ascending order" },
  pinSignatureInvalid: { code: 285, meaning: "the report is not signed by the key that it names" },
  pinReportUnknown: { code: 286, meaning: "the chain has accepted no such report" },
  pinDisputeOver: { code: 287, meaning: "the report can not be disputed any more" },
  pinSampleNotAnswered: { code: 288, meaning: "the report claims nothing about this sample" },
  pinProofInvalid: { code: 289, meaning: "the blocks are not those of the sample's walk" },
  pinReportTrue: { code: 290, meaning: "the blocks show what the report says" },
  depositTooSmall: { code: 291, meaning: "the deposit is below that of the network" },
  challengeNotFound: { code: 292, meaning: "there is no open challenge of this number" },
  challengeOpen: { code: 293, meaning: "the node can still answer the challenge" },
  challengeOver: { code: 294, meaning: "the node's time to answer is over" },
  notEquivocation: { code: 295, meaning: "the two reports are not different ones of one slot and key" },
  programNotOver: { code: 296, meaning: "the program may still run" },
  pinNotHeld: { code: 297, meaning: "the node does not hold this order, or not yet" },
  pinAskStanding: { code: 298, meaning: "the node is being asked about this order already" },
  pinAskNotFound: { code: 299, meaning: "the node is not being asked about this order" },
  pinAskNotDrawn: { code: 300, meaning: "what is asked for is not drawn yet" },
} as const satisfies { readonly [name: string]: ExitCodeSpec };

export type ExitCodeName = keyof typeof table;

/** Number of each exit code by name. */
export const vmExitCodes = Object.fromEntries(
  Object.entries(table).map(([name, spec]) => [name, spec.code]),
) as { readonly [Name in ExitCodeName]: (typeof table)[Name]["code"] };

/** The table as data, in ascending order of the codes. */
export const exitCodeTable: readonly (ExitCodeSpec & { readonly name: string })[] = Object.entries(table)
  .map(([name, spec]) => ({ name, ...spec }))
  .sort((a, b) => a.code - b.code);

const byCode = new Map(exitCodeTable.map((row) => [row.code, row]));

/** One line for people. */
export function exitCodeMeaning(code: number): string {
  const row = byCode.get(code);
  return row === undefined ? `unknown exit code ${code}` : `${row.name}: ${row.meaning}`;
}
