/** From what a person asks for to a draft, and from files to what a person wants to know of them. */
import { writeFile } from "node:fs/promises";
import { filText, MemoryBlockstore, parseBytes, parseDurationMs } from "@holdfast/base";
import {
  devnetParams,
  listMiners,
  moneyInvariant,
  type NetworkParams,
  paramWarnings,
  readNetworkParams,
  readSectors,
  withNamedParams,
} from "@holdfast/consensus";
import type { PorepKind, ProofMode, SectorClass } from "@holdfast/proofs";
import { devnetClass } from "../devnet-classes.ts";
import { loadGenesis } from "../genesis.ts";
import { type Draft, makeDraft, readDraft } from "./draft.ts";
import { foundingErrors } from "./errors.ts";
import { readNetworkFile } from "./network-file.ts";
import { type PlainParameters, parameterNames, readParameter } from "./parameters.ts";
import { inFile } from "./plain-file.ts";
import { checkSeals } from "./seals.ts";
import { type PlainUpgrade, plannedUpgrades, upgradeText, upgradeWarnings } from "./upgrades.ts";

export interface NewNetwork {
  readonly name: string;
  readonly roundMs: number;
  /** Padded sizes (bytes). */
  readonly sectors: readonly number[];
  readonly proofMode: ProofMode;
  readonly porep: PorepKind;
  readonly accounts: readonly { readonly address: string; readonly balance: string }[];
  readonly foundersProven: boolean;
  readonly founderFunds: string;
  readonly minerFunds: string;
  /** Any parameter, as a person types it. */
  readonly set: { readonly [name: string]: string };
  readonly upgrades: readonly {
    /** A number of rounds, or a duration from the first one on. */
    readonly height: string;
    /** Constants as a person types them, and `rules`: a version of the rules. */
    readonly set: { readonly [name: string]: string };
  }[];
}

const day = 86_400_000;

/** Sane for a network of strangers: a period of a day, finality of hours, lives of months, by the length of a round. */
function usualParams(name: string, roundMs: number, sectorClasses: readonly SectorClass[]): NetworkParams {
  const epochs = (ms: number, least: number): number => Math.max(least, Math.round(ms / roundMs));
  const deadlinesPerPeriod = 12;
  const deadline = epochs(day / deadlinesPerPeriod, 8);
  const finalityEpochs = epochs(day / 8, 30);
  const preCommitExpiryEpochs = epochs(day / 4, 60);
  return devnetParams({
    name,
    roundMs,
    sectorClasses,
    deadlinesPerPeriod,
    provingPeriodEpochs: deadline * deadlinesPerPeriod,
    proofWindowEpochs: Math.max(4, Math.floor(deadline / 2)),
    declarationCutoffEpochs: Math.max(1, Math.floor(deadline / 12)),
    finalityEpochs,
    preCommitExpiryEpochs,
    sealChallengeDelayEpochs: 10,
    ticketLookbackEpochs: preCommitExpiryEpochs + deadline * 2,
    minSectorLifetimeEpochs: epochs(7 * day, 100),
    maxSectorLifetimeEpochs: epochs(730 * day, 10_000),
    channelCancelDelayEpochs: epochs(day, 100),
    futureToleranceMs: Math.min(5_000, roundMs),
  });
}

/** A number may come with a unit: rounds as a duration, sizes in bytes. */
function typedValue(name: string, text: string, roundMs: number): string {
  if (/^\d+$/.test(text)) return text;
  if (name.endsWith("Epochs")) return String(Math.ceil(parseDurationMs(text) / roundMs));
  if (name.endsWith("Ms")) return String(parseDurationMs(text));
  if (name.endsWith("Bytes")) return String(parseBytes(text));
  return text;
}

function setParameters(params: NetworkParams, set: NewNetwork["set"]): NetworkParams {
  const entries = Object.entries(set).map(([name, text]) => {
    if (!parameterNames.includes(name)) {
      const problem = `there is no parameter ${name}; there are ${parameterNames.join(", ")}`;
      throw foundingErrors.badFile({ file: "the draft", problem });
    }
    const value = typedValue(name, text, params.roundMs);
    return [name, inFile("the draft", () => readParameter(name, value))] as const;
  });
  return withNamedParams(params, Object.fromEntries(entries));
}

/** A name that no upgrade can change is told when the draft is made. */
function upgradesOf({ upgrades, roundMs }: NewNetwork): PlainUpgrade[] {
  const countOf = (name: string, text: string): number => {
    const value = Number(typedValue(name, text, roundMs));
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw foundingErrors.badFile({ file: "the draft", problem: `${name} is a whole number, not ${text}` });
  };
  const wanted = upgrades.map(({ height, set: { rules, ...changes } }) => ({
    height: countOf("heightEpochs", height),
    version: rules === undefined ? undefined : countOf("rules", rules),
    changes: Object.fromEntries(
      Object.entries(changes).map(([name, text]) => [name, typedValue(name, text, roundMs)]),
    ),
  }));
  return plannedUpgrades(wanted);
}

/** Writes a draft. Errors: `network/bad-file`, `proofs/unknown-sector-size`, `proofs/no-circuit`, `address/…`. */
export async function draftNetwork(
  file: string,
  wanted: NewNetwork,
): Promise<{ readonly draft: Draft; readonly warnings: readonly string[] }> {
  const { name, roundMs, proofMode, porep } = wanted;
  const classes: SectorClass[] = [];
  for (const sectorBytes of new Set(wanted.sectors)) {
    classes.push(await devnetClass({ sectorBytes, proofMode, porep }));
  }
  const params = setParameters(usualParams(name, roundMs, classes), wanted.set);
  const draft = makeDraft({ ...wanted, params, upgrades: upgradesOf(wanted) });
  await writeFile(file, `${JSON.stringify(draft, null, 2)}\n`);
  return { draft, warnings: warningsOf(params, draft) };
}

function warningsOf(
  params: NetworkParams,
  { upgrades, foundersProven }: Pick<Draft, "upgrades" | "foundersProven">,
): string[] {
  const trust = "no founder proves a sector before the first block: founders believe each other";
  return [...paramWarnings(params), ...upgradeWarnings(upgrades), ...(foundersProven ? [] : [trust])];
}

export interface ShownFile {
  readonly kind: "network" | "draft";
  readonly name: string;
  readonly genesis: string | null;
  readonly began: string | null;
  readonly parameters: { [name: string]: PlainParameters[string] };
  readonly sectors: string[];
  readonly upgrades: string[];
  readonly founders: string[];
  readonly bootstrap: string[];
  readonly warnings: string[];
}

/** Errors: `network/…`. */
export async function showNetworkFile(file: string): Promise<ShownFile> {
  try {
    const { plain, car } = await readNetworkFile(file);
    const store = new MemoryBlockstore();
    const { stateRoot } = await loadGenesis(car, store);
    const params = readNetworkParams(store, stateRoot);
    return {
      kind: "network",
      ...plain,
      sectors: plain.sectors.map(sectorText),
      upgrades: plain.upgrades.map(upgradeText),
      founders: listMiners(store, stateRoot).map((miner) =>
        founderText(miner, readSectors(store, stateRoot, miner).length, plain.foundersProven),
      ),
      bootstrap: [...plain.bootstrap],
      warnings: warningsOf(params, plain),
    };
  } catch (asNetwork) {
    const found = await readDraft(file).catch(() => undefined);
    if (found === undefined) throw asNetwork;
    const { draft, params } = found;
    return {
      kind: "draft",
      name: params.name,
      genesis: null,
      began: null,
      parameters: draft.parameters,
      sectors: draft.sectors.map(sectorText),
      upgrades: draft.upgrades.map(upgradeText),
      founders: draft.founders.map(({ miner, sectors }) =>
        founderText(miner, sectors.length, draft.foundersProven),
      ),
      bootstrap: draft.founders.flatMap(({ bootstrap }) => bootstrap),
      warnings: warningsOf(params, draft),
    };
  }
}

const founderText = (miner: string, sectors: number, isProven: boolean): string =>
  `${miner}, ${sectors} ${sectors === 1 ? "sector" : "sectors"}${isProven ? ", with proofs" : ", not proven"}`;

const sectorText = ({
  profile,
  proofMode,
}: {
  readonly profile: string;
  readonly proofMode: string;
}): string => `${profile}, ${proofMode} proofs`;

export interface CheckedFile {
  readonly name: string;
  readonly genesis: string;
  readonly totalFil: string;
  /** Of the founders. */
  readonly sectors: number;
  /** All of them, or none where the draft asked for no proofs. */
  readonly proven: number;
}

/**
 * Everything is checked when it is read; the CID is compared, and every founder's seal is verified. Errors:
 * `network/…`, `chain/bad-genesis`.
 */
export async function checkNetworkFile(file: string, expected: string | undefined): Promise<CheckedFile> {
  const { name, genesis, car, seals } = await readNetworkFile(file);
  if (expected !== undefined && expected !== genesis) {
    throw foundingErrors.contradiction({ file, field: "genesis", said: expected, found: genesis });
  }
  const store = new MemoryBlockstore();
  const { stateRoot } = await loadGenesis(car, store);
  const totalFil = filText(moneyInvariant(store, stateRoot).total);
  return { name, genesis, totalFil, ...(await checkSeals(file, { car, seals })) };
}
