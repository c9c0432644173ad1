/**
 * The parameters of one network: everything on which two nodes of the same network must agree and that
 * is not a fact of the protocol itself. They are written into the init actor's state at genesis and changed there
 * by upgrades, so a node reads them from its chain and never from its configuration. Durations are counted in epochs.
 */
import type { Address, AttoFil, Codec } from "@holdfast/base";
import { attoPerFil, c, zeroAtto } from "@holdfast/base";
import { type SectorClass, sectorProfile, vanillaClass } from "@holdfast/proofs/verify";
import { type GasSchedule, gasScheduleCodec, nsPerGas, usualGas } from "./gas.ts";
import { type IdleParams, idleParamsCodec, noIdleSpace } from "./idle.ts";
import { maxPinSamples } from "./pin-report.ts";
import { sectorClassesCodec } from "./sector-class.ts";

export interface NetworkParams {
  /** Part of the gossip topics and of the identity of every replica; at most 64 bytes. */
  readonly name: string;
  readonly networkByte: 0 | 1;
  /** Length of one epoch in milliseconds. */
  readonly roundMs: number;
  /** The sector sizes that miners may use, each with its kind and the form of its proofs. */
  readonly sectorClasses: readonly SectorClass[];
  /** A miner proves all its sectors once in each proving period. */
  readonly provingPeriodEpochs: number;
  /** The period is divided evenly into so many deadlines; each sector belongs to one of them. */
  readonly deadlinesPerPeriod: number;
  /** The PoSt of a deadline is accepted in the deadline's first epochs, this many of them. */
  readonly proofWindowEpochs: number;
  /** So long before a window opens, and while it is open, nothing is declared about the deadline's sectors. */
  readonly declarationCutoffEpochs: number;
  /** Sectors in one partition of a deadline, at most: what one message must be able to prove. */
  readonly partitionSectors: number;
  /** The seal challenge is drawn this many epochs after the pre-commitment is on the chain. */
  readonly sealChallengeDelayEpochs: number;
  /** How far into the past an actor may ask for randomness. */
  readonly ticketLookbackEpochs: number;
  /** A pre-commitment that is not followed by a proof within this many epochs is void. */
  readonly preCommitExpiryEpochs: number;
  /** A reorganisation deeper than this is refused. */
  readonly finalityEpochs: number;
  readonly minSectorLifetimeEpochs: number;
  readonly maxSectorLifetimeEpochs: number;
  /** Locked in the miner actor for each sector, from the pre-commitment until the sector ends. */
  readonly minPledgePerSector: AttoFil;
  /** Paid to the owner of the miner of each block while the reserve lasts. */
  readonly blockReward: AttoFil;
  /** The sum of the gas limits of a block's messages stays at or below this. */
  readonly blockGasLimit: number;
  /** The prices of gas. */
  readonly gas: GasSchedule;
  /** Encoded size of one signed message (bytes). */
  readonly maxMessageBytes: number;
  readonly maxBlockMessages: number;
  /** After a payer's cancel a channel stays open for the target for this many epochs. */
  readonly channelCancelDelayEpochs: number;
  /** What the parties of a deal lock at least, in percent of its price, rounded up. */
  readonly minProviderCollateralPercent: number;
  readonly minClientCollateralPercent: number;
  /** Of what a provider loses, so much goes to the client (percent, rounded down); the rest is burnt. */
  readonly lostCollateralClientPercent: number;
  /** What of its collateral a provider loses that does not start a published deal in time (percent, rounded up). */
  readonly lateStartPercent: number;
  /** Deals that one tick moves on, at most; the others wait for the next. */
  readonly dealsPerTick: number;
  /** How far a block's timestamp may lie ahead of the local clock (milliseconds). */
  readonly futureToleranceMs: number;
  /** The actor that may schedule upgrades, an account or a multisig; null: there are those of the genesis only. */
  readonly upgradeAuthority: Address | null;
  /** What a faucet of this network gives for one request; 0: it has none. Only test networks may have one. */
  readonly faucetAmount: AttoFil;
  /** Whether attestation by software counts, which anybody can make up. Only test networks may allow it. */
  readonly softwareAttestation: boolean;
  /** What it asks of idle space. */
  readonly idle: IdleParams;
  /** Length of a slot: a pinning node reports once in each. */
  readonly pinSlotEpochs: number;
  /** Blocks that each of its reports answers for. */
  readonly pinSamples: number;
  /** What the operator of a pinning node locks; lost if the node is shown to lie. */
  readonly pinStake: AttoFil;
  /** Evidence admits a pinning node for so long. */
  readonly pinEvidenceEpochs: number;
  /** A challenged node answers within so many epochs. */
  readonly pinAnswerEpochs: number;
  /** A report can be disputed for so many slots; a stake is bound so long, and silence is waited out so long. */
  readonly pinDisputeSlots: number;
  /** After a slot without a report a node earns nothing for so many. */
  readonly pinPenaltySlots: number;
  /** What a challenger deposits; the node gets it for a right answer. */
  readonly pinChallengeDeposit: AttoFil;
}

/** Upper bound of every count of epochs: 2^40, far beyond any chain and far below 2^53. */
export const maxEpochs: number = 2 ** 40;
export const maxSize: number = 2 ** 40;
/** A commitment looks at all deadlines of its miner. */
const maxDeadlines = 1_024;
/** A share that may exceed the whole: of a price. */
export const maxCollateralPercent = 10_000;
const maxDealsPerTick = 65_536;
/** Sectors that one proof of spacetime can cover. */
const maxPartitionSectors = 4_096;

const networkByteCodec: Codec<0 | 1> = {
  name: "NetworkByte",
  toCbor: (value) => value,
  fromCbor: (value, path) => (c.uint(1).fromCbor(value, path) === 0 ? 0 : 1),
};

export const networkParamsCodec: Codec<NetworkParams> = c.tuple("NetworkParams", {
  name: c.text(64),
  networkByte: networkByteCodec,
  roundMs: c.uint(maxSize),
  sectorClasses: sectorClassesCodec,
  provingPeriodEpochs: c.uint(maxEpochs),
  deadlinesPerPeriod: c.uint(maxDeadlines),
  proofWindowEpochs: c.uint(maxEpochs),
  declarationCutoffEpochs: c.uint(maxEpochs),
  partitionSectors: c.uint(maxPartitionSectors),
  sealChallengeDelayEpochs: c.uint(maxEpochs),
  ticketLookbackEpochs: c.uint(maxEpochs),
  preCommitExpiryEpochs: c.uint(maxEpochs),
  finalityEpochs: c.uint(maxEpochs),
  minSectorLifetimeEpochs: c.uint(maxEpochs),
  maxSectorLifetimeEpochs: c.uint(maxEpochs),
  minPledgePerSector: c.attoFil,
  blockReward: c.attoFil,
  blockGasLimit: c.uint(maxSize),
  gas: gasScheduleCodec,
  maxMessageBytes: c.uint(maxSize),
  maxBlockMessages: c.uint(maxSize),
  channelCancelDelayEpochs: c.uint(maxEpochs),
  minProviderCollateralPercent: c.uint(maxCollateralPercent),
  minClientCollateralPercent: c.uint(maxCollateralPercent),
  lostCollateralClientPercent: c.uint(100),
  lateStartPercent: c.uint(100),
  dealsPerTick: c.uint(maxDealsPerTick),
  futureToleranceMs: c.uint(maxSize),
  upgradeAuthority: c.nullable(c.address),
  faucetAmount: c.attoFil,
  softwareAttestation: c.bool,
  idle: idleParamsCodec,
  pinSlotEpochs: c.uint(maxEpochs),
  pinSamples: c.uint(maxPinSamples),
  pinStake: c.attoFil,
  pinEvidenceEpochs: c.uint(maxEpochs),
  pinAnswerEpochs: c.uint(maxEpochs),
  pinDisputeSlots: c.uint(maxEpochs),
  pinPenaltySlots: c.uint(maxEpochs),
  pinChallengeDeposit: c.attoFil,
});

/** Classes of the default kind with vanilla proofs. Throws proofs/unknown-sector-size. */
export function vanillaClasses(sizesBytes: readonly number[]): readonly SectorClass[] {
  return sizesBytes.map((sectorBytes) => vanillaClass(sectorProfile(sectorBytes)));
}

/** The padded sizes (bytes) of a network's sectors. */
export function sectorSizes(params: Pick<NetworkParams, "sectorClasses">): readonly number[] {
  return params.sectorClasses.map(({ sectorBytes }) => sectorBytes);
}

/** The part of a round that a full block may take one core of the reference machine to check. */
export const blockShareOfRound = 0.5;
/** A block has room for its longest message and the dearest proof of a small sector, however short its rounds are. */
const leastBlockGas = 5_000_000;
/** Rounds of a minute and more leave time for much else. */
const mostBlockGas = 100_000_000;

/** Half of a round's time as gas, within bounds. */
export function usualBlockGas(roundMs: number): number {
  const half = Math.floor((roundMs * 1e6 * blockShareOfRound) / nsPerGas);
  return Math.min(mostBlockGas, Math.max(leastBlockGas, half));
}

/**
 * Parameters for a network on one machine: small sectors, short periods. `roundMs` and the name are the
 * caller's; any other field can be overridden.
 */
export function devnetParams(
  given: { readonly name: string; readonly roundMs: number } & Partial<NetworkParams>,
): NetworkParams {
  return {
    networkByte: 1,
    sectorClasses: vanillaClasses([1024, 2048]),
    provingPeriodEpochs: 60,
    deadlinesPerPeriod: 3,
    proofWindowEpochs: 16,
    declarationCutoffEpochs: 2,
    partitionSectors: 32,
    sealChallengeDelayEpochs: 4,
    ticketLookbackEpochs: 400,
    preCommitExpiryEpochs: 200,
    finalityEpochs: 200,
    minSectorLifetimeEpochs: 60,
    maxSectorLifetimeEpochs: 10_000_000,
    minPledgePerSector: (attoPerFil / 1000n) as AttoFil,
    blockReward: (attoPerFil * 1000n) as AttoFil,
    blockGasLimit: usualBlockGas(given.roundMs),
    gas: usualGas,
    maxMessageBytes: 524_288,
    maxBlockMessages: 1_000,
    channelCancelDelayEpochs: 500,
    minProviderCollateralPercent: 20,
    minClientCollateralPercent: 5,
    lostCollateralClientPercent: 50,
    lateStartPercent: 20,
    dealsPerTick: 64,
    futureToleranceMs: 1_000,
    upgradeAuthority: null,
    faucetAmount: zeroAtto,
    softwareAttestation: true,
    idle: noIdleSpace,
    pinSlotEpochs: 20,
    pinSamples: 20,
    pinStake: (attoPerFil * 10n) as AttoFil,
    pinEvidenceEpochs: 20_000,
    pinAnswerEpochs: 20,
    pinDisputeSlots: 8,
    pinPenaltySlots: 2,
    pinChallengeDeposit: (attoPerFil / 100n) as AttoFil,
    ...given,
  };
}
