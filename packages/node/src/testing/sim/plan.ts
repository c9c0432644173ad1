/**
 * What one simulation will be: its size, its network and how much goes wrong in it, all drawn from the seed. Every
 * probability is itself drawn (swarm testing): a seed in which nothing is ever lost finds what a storm hides, and the
 * other way round. After TigerBeetle's VOPR and FoundationDB's simulation.
 */
import { SeededRandom } from "@holdfast/base/testing";

export const profiles = ["calm", "network", "disk", "crash", "byzantine", "storm"] as const;
export type Profile = (typeof profiles)[number];

export const services = ["idle", "pins", "workers"] as const;
export type Service = (typeof services)[number];

export interface SimOptions {
  readonly seed: number;
  /** Drawn if left out. */
  readonly nodes?: number;
  /** Virtual time under faults, before everything heals. Drawn if left out. */
  readonly hours?: number;
  /** Drawn if left out. */
  readonly profile?: Profile;
  readonly proofs?: "simulated" | "real";
  /** What the network has beside storage. Drawn if left out. */
  readonly services?: readonly Service[];
}

export interface Plan {
  readonly seed: number;
  readonly profile: Profile;
  readonly nodes: number;
  readonly miners: number;
  /** Nodes that break the rules, by their index; miners among them keep their power below a third. */
  readonly byzantine: readonly number[];
  readonly faultMs: number;
  readonly roundMs: number;
  readonly finalityEpochs: number;
  readonly proofs: "simulated" | "real";
  readonly services: readonly Service[];
  readonly sectorBytes: number;
  readonly wire: {
    readonly delayMs: number;
    readonly jitterMs: number;
    readonly breakRatio: number;
    readonly gossipLossRatio: number;
    readonly gossipRepeatRatio: number;
    readonly gossipSpreadMs: number;
  };
  /** Mean virtual time between two faults of a kind; 0: never. */
  readonly every: {
    readonly partitionMs: number;
    readonly clogMs: number;
    readonly crashMs: number;
    readonly pauseMs: number;
    readonly skewMs: number;
    readonly diskMs: number;
    readonly misdeedMs: number;
    /** Only where there are workers. */
    readonly workerMs: number;
    readonly volumeMs: number;
  };
  /** Mean virtual time between two deeds of a client. */
  readonly workMs: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** One in so many seeds runs the real proofs. */
const realProofsOneIn = 25;
/** One in so many has idle space, pinning nodes, and miners with workers. */
const serviceOneIn: Readonly<Record<Service, number>> = { idle: 24, pins: 24, workers: 12 };
/** Pinning nodes need somebody who looks at them, and somebody who is looked at while another is away. */
const leastPinningNodes = 4;
/** Whoever forges blocks needs rounds to win, and a slot is some rounds long: more of them in the same time. */
const shortRoundMs = 10_000;
/** Longer than any partition. */
const shortFinality = 30;
/** Between two deeds of a client where miners have workers: these are to have work. */
const busyMs = 12_000;

const faultsOf: Readonly<Record<Profile, ReadonlySet<keyof Plan["every"] | "wire">>> = {
  calm: new Set(),
  network: new Set(["wire", "partitionMs", "clogMs"]),
  disk: new Set(["diskMs", "crashMs"]),
  crash: new Set(["crashMs", "pauseMs", "skewMs"]),
  byzantine: new Set(["misdeedMs", "wire"]),
  storm: new Set(["wire", "partitionMs", "clogMs", "crashMs", "pauseMs", "skewMs", "diskMs", "misdeedMs"]),
};

export function drawPlan(options: SimOptions): Plan {
  const random = new SeededRandom(`plan ${options.seed}`);
  const drawn = random.pick(profiles);
  const profile = options.profile ?? drawn;
  const faults = faultsOf[profile];
  const isEvil = faults.has("misdeedMs");
  const beside = options.services ?? drawServices(options.seed);
  const hasPins = beside.includes("pins");
  const hasWorkers = beside.includes("workers");
  const drawnNodes = Math.max(random.between(3, 7), isEvil ? 5 : 3, hasPins ? leastPinningNodes : 0);
  const nodes = options.nodes ?? drawnNodes;
  // A miner that breaks the rules is one of four at least.
  const miners = Math.min(nodes, random.between(isEvil ? 4 : 2, Math.max(isEvil ? 4 : 2, nodes - 1)));
  const drawnMs = random.between(12, 30) * minuteMs;
  const drawnRoundMs = random.pick([10_000, 20_000, 30_000, 30_000]);
  const isReal = random.below(realProofsOneIn) === 0;
  const often = (kind: keyof Plan["every"], minMs: number, maxMs: number): number => {
    const everyMs = random.between(minMs, maxMs);
    return faults.has(kind) ? everyMs : 0;
  };
  const up = (kind: "wire", most: number): number => {
    const share = random.below(1_001) / 1_000;
    return faults.has(kind) ? share * most : 0;
  };
  return {
    seed: options.seed,
    profile,
    nodes,
    miners,
    byzantine: drawByzantine(random, isEvil, nodes, miners),
    faultMs: options.hours === undefined ? drawnMs : Math.round(options.hours * hourMs),
    roundMs: isEvil || hasPins || hasWorkers ? shortRoundMs : drawnRoundMs,
    finalityEpochs: finalityOf(random.pick([100, 200]), hasWorkers),
    proofs: options.proofs ?? (isReal ? "real" : "simulated"),
    services: beside,
    sectorBytes: random.pick([1_024, 2_048, 2_048]),
    wire: {
      delayMs: random.between(1, 100),
      jitterMs: Math.round(up("wire", 500)),
      breakRatio: up("wire", 0.002),
      gossipLossRatio: up("wire", 0.3),
      gossipRepeatRatio: up("wire", 0.5),
      gossipSpreadMs: Math.round(up("wire", 4_000)),
    },
    every: {
      partitionMs: often("partitionMs", 3 * minuteMs, 10 * minuteMs),
      clogMs: often("clogMs", minuteMs, 5 * minuteMs),
      crashMs: often("crashMs", minuteMs, 6 * minuteMs),
      pauseMs: often("pauseMs", 2 * minuteMs, 8 * minuteMs),
      skewMs: often("skewMs", 2 * minuteMs, 8 * minuteMs),
      diskMs: often("diskMs", minuteMs, 5 * minuteMs),
      misdeedMs: often("misdeedMs", minuteMs / 12, minuteMs / 4),
      ...(hasWorkers ? drawEngineTroubles(options.seed) : { workerMs: 0, volumeMs: 0 }),
    },
    workMs: hasWorkers ? busyMs : random.between(10, 60) * 1_000,
  };
}

/** Sectors are the chain's for good only then: few rounds, so that some are. */
function finalityOf(drawn: number, hasWorkers: boolean): number {
  return hasWorkers ? shortFinality : drawn;
}

/** As often as there is something to disturb. */
function drawEngineTroubles(seed: number) {
  const random = new SeededRandom(`workers ${seed}`);
  return {
    workerMs: random.between(minuteMs / 10, minuteMs / 3),
    volumeMs: random.between(minuteMs / 2, 2 * minuteMs),
  };
}

/** By a draw of their own, so that a seed has the same storms with them as without; workers, where nothing else is. */
function drawServices(seed: number): readonly Service[] {
  const random = new SeededRandom(`extras ${seed}`);
  const drawn = services.filter((service) => random.below(serviceOneIn[service]) === 0);
  return drawn.length > 1 ? drawn.filter((service) => service !== "workers") : drawn;
}

/** Less than a third of the miners, and at least one honest node beside them. */
function drawByzantine(random: SeededRandom, wanted: boolean, nodes: number, miners: number): number[] {
  const evilMiners = Math.floor((miners - 1) / 3);
  const chosen = random
    .shuffle(Array.from({ length: miners }, (_, index) => index))
    .slice(0, random.between(Math.min(1, evilMiners), evilMiners));
  const withClient = random.chance(0.5) && nodes > miners + 1;
  if (!wanted) return [];
  const evil = withClient || chosen.length === 0 ? [...chosen, nodes - 1] : chosen;
  return [...new Set(evil)]
    .filter((index) => index >= miners || chosen.includes(index))
    .sort((a, b) => a - b);
}
