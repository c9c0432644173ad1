/**
 * What parameters of a network must obey, in words: what is impossible, and what is possible but dangerous. For whoever
 * makes a genesis, for whoever is given one, and for the init actor when an upgrade is scheduled.
 */
import { addressNetwork } from "@holdfast/base";
import { idleProfiles } from "@holdfast/proofs/idle";
import { inclusionGas, leastProofGas, upgradeGas } from "../vm/gas.ts";
import { maxBlockBytes, maxWinningPostBytes } from "./block.ts";
import { nsPerGas } from "./gas.ts";
import { blockShareOfRound, type NetworkParams } from "./params.ts";

/** A header without its winning proof: 64 parents and a dozen fields (bytes). */
const maxBareHeaderBytes = 4_096;
/**
 * Longest report of a consensus fault (bytes): three headers with the longest winning proof. What a faulty miner signs
 * is its own choice, so a network with shorter messages would let it choose to be unpunishable.
 */
export const maxFaultReportBytes: number = 3 * (maxWinningPostBytes + maxBareHeaderBytes) + 2_048;

type Rule = readonly [holds: boolean, text: string];

/** Everything that is wrong with parameters; empty if nothing is. */
export function paramProblems(params: NetworkParams): readonly string[] {
  const general = [...timeRules(params), ...messageRules(params), ...valueRules(params)];
  return [...general, ...idleRules(params), ...pinRules(params)]
    .filter(([holds]) => !holds)
    .map(([, text]) => text);
}

/** What is possible, and may be regretted. */
export function paramWarnings(params: NetworkParams): readonly string[] {
  const { roundMs, blockGasLimit, finalityEpochs, provingPeriodEpochs, upgradeAuthority } = params;
  const blockMs = (blockGasLimit * nsPerGas) / 1e6;
  const rules: readonly Rule[] = [
    [
      blockMs <= roundMs * blockShareOfRound,
      `a full block of ${blockGasLimit} gas takes about ${Math.round(blockMs)} ms to check; a round of ${roundMs} ms has time for ` +
        `${Math.floor((roundMs * 1e6 * blockShareOfRound) / nsPerGas)} in half of it`,
    ],
    [finalityEpochs >= 30, `finality of ${finalityEpochs} epochs: a short partition cannot heal any more`],
    [provingPeriodEpochs >= finalityEpochs / 16, "sectors are proven much more often than blocks are final"],
    [upgradeAuthority !== null, "nobody can schedule upgrades: what the genesis says holds for ever"],
  ];
  return rules.filter(([holds]) => !holds).map(([, text]) => text);
}

/** What the actors rely on: a window is judged before the next opens, and all randomness asked for is known. */
function timeRules(params: NetworkParams): readonly Rule[] {
  const { provingPeriodEpochs, deadlinesPerPeriod, proofWindowEpochs, declarationCutoffEpochs } = params;
  const length = provingPeriodEpochs / deadlinesPerPeriod;
  return [
    [params.roundMs > 0, "a round takes time"],
    [params.finalityEpochs > 0, "finality lies at least one epoch back"],
    [proofWindowEpochs > 0, "a proof needs a window"],
    [deadlinesPerPeriod > 0 && Number.isInteger(length), "the deadlines divide the proving period evenly"],
    [proofWindowEpochs <= length, "the proof window is not longer than the deadline"],
    [
      declarationCutoffEpochs + proofWindowEpochs < length * (deadlinesPerPeriod - 1),
      "at every epoch some deadline is neither open nor about to be",
    ],
    [params.partitionSectors > 0, "a partition has sectors"],
    [
      params.sealChallengeDelayEpochs < params.preCommitExpiryEpochs,
      "the seal's challenge comes before its expiry",
    ],
    [
      params.preCommitExpiryEpochs < params.ticketLookbackEpochs,
      "the seal's challenge is still known at its expiry",
    ],
    [proofWindowEpochs < params.ticketLookbackEpochs, "the window's challenge is known to its end"],
    [params.minSectorLifetimeEpochs <= params.maxSectorLifetimeEpochs, "a sector's life has a range"],
  ];
}

function messageRules(params: NetworkParams): readonly Rule[] {
  return [
    [
      params.maxMessageBytes >= maxFaultReportBytes,
      `a message can hold a report of a consensus fault, ${maxFaultReportBytes} bytes`,
    ],
    [
      params.maxMessageBytes <= maxBlockBytes / 2,
      `a message fits into half a block, ${maxBlockBytes / 2} bytes`,
    ],
    [params.dealsPerTick > 0, "deals come to their end"],
    [params.gas.message > 0 && params.gas.call > 0, "no message is free"],
    [params.maxBlockMessages > 0, "a block has room for a message"],
    [
      inclusionGas(params.gas, params.maxMessageBytes) * 2 <= params.blockGasLimit,
      "the gas of a block pays for the longest message and as much work again",
    ],
    [upgradeGas(params.gas) <= params.blockGasLimit, "the gas of a block pays for the next upgrade"],
    [leastProofGas(params.gas) <= params.blockGasLimit, "the gas of a block pays for a proof of any kind"],
  ];
}

function valueRules({ networkByte, ...params }: NetworkParams): readonly Rule[] {
  const { upgradeAuthority } = params;
  const isTest = networkByte === 1;
  return [
    [params.name.length > 0, "a network has a name"],
    [params.sectorClasses.length > 0, "there is a sector size"],
    [params.minPledgePerSector > 0n, "a sector has a pledge, or nothing would be lost with it"],
    [params.blockReward >= 0n, "a block reward is not negative"],
    [params.faucetAmount >= 0n, "a faucet gives, it does not take"],
    [isTest || params.faucetAmount === 0n, "a network whose money has a value has no faucet"],
    [isTest || !params.softwareAttestation, "a network whose money has a value asks for real attestation"],
    [
      upgradeAuthority === null || addressNetwork(upgradeAuthority) === networkByte,
      "the upgrade authority is an address of this network",
    ],
  ];
}

/** What the rules of idle space rely on, for a network that counts it. */
function idleRules({ idle, networkByte, ...params }: NetworkParams): readonly Rule[] {
  if (idle.profile === "") return [];
  const profile = idleProfiles.get(idle.profile);
  const longest = Math.max(idle.certifyEpochs, idle.answerEpochs + idle.settleEpochs);
  const { authority } = idle;
  return [
    [profile !== undefined, `there is a profile of idle space ${idle.profile}`],
    [networkByte === 1 || profile?.productionSafe === true, "idle space of a network with value is safe"],
    [idle.pledgePerGiB > 0n, "idle space has a pledge, or nothing would be lost with it"],
    [idle.drawDelayEpochs > 0, "what is drawn was not known before"],
    [idle.certifyEpochs > idle.drawDelayEpochs, "there is time to certify what is drawn"],
    [idle.settleEpochs > idle.drawDelayEpochs, "there is time to show what is drawn"],
    [longest < params.ticketLookbackEpochs, "what is drawn of idle space is still known at the deadline"],
    [idle.lotEpochs > 0 && idle.lotOdds > 0, "lots are drawn"],
    [idle.answerEpochs > 0, "there is time to answer"],
    [
      idle.files > 0 && idle.openings > 0,
      "a challenge asks for something, and the chain looks at some of it",
    ],
    [idle.openingsAlone >= idle.openings, "without a verdict the chain looks at no less"],
    [idle.commitOpenings > 0, "the chain looks at some positions of what is certified"],
    [idle.seats > 0, "some verifier has a seat"],
    [idle.verifierBond >= 0n, "a bond is not negative"],
    [
      authority === null || addressNetwork(authority) === networkByte,
      "who admits verifiers is an address of this network",
    ],
  ];
}

/** What a report and a dispute rely on: the slot's draw is known while it lasts, and a lie can still cost something. */
function pinRules(params: NetworkParams): readonly Rule[] {
  return [
    [params.pinSlotEpochs >= 2, "a slot of pinning nodes has an epoch behind its draw"],
    [params.pinSlotEpochs < params.ticketLookbackEpochs, "the draw of a slot is known to the slot's end"],
    [params.pinSamples > 0, "a report of a pinning node answers for something"],
    [
      params.pinEvidenceEpochs > params.pinSlotEpochs,
      "evidence admits a pinning node for longer than a slot",
    ],
    [params.pinStake > 0n, "a pinning node has a stake, or it could lie for nothing"],
    [
      params.pinAnswerEpochs > 2 && params.pinDisputeSlots > 0,
      "reports can be disputed and challenges answered",
    ],
    [
      params.pinAnswerEpochs <= params.ticketLookbackEpochs,
      "what a buyer asks for is still known when the time to answer is over",
    ],
    [params.pinChallengeDeposit >= 0n, "a deposit is not negative"],
  ];
}
