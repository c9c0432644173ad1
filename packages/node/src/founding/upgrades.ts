/** Upgrades that a network has from its beginning, as people write them: a height, the rules, and what changes. */
import { type AttoFil, epoch, filText } from "@holdfast/base";
import {
  changeableNames,
  changesOfNamed,
  firstVersion,
  knownVersion,
  maxUpgrades,
  maxVersion,
  type NetworkParams,
  namedChanges,
  type ParamChanges,
  type Upgrade,
  upgradesProblem,
} from "@holdfast/consensus";
import { z } from "zod";
import { PlainProblem, readParameter } from "./parameters.ts";

export const plainUpgradesSchema = z
  .array(
    z.strictObject({
      height: z.int().min(1),
      version: z.int().min(1).max(maxVersion),
      changes: z.record(z.string().max(64), z.union([z.string().max(64), z.number()])),
    }),
  )
  .max(maxUpgrades);
export type PlainUpgrade = z.output<typeof plainUpgradesSchema>[number];

export function plainUpgrade({ height, version, changes }: Upgrade): PlainUpgrade {
  const text = Object.entries(namedChanges(changes)).map(([name, value]) => [
    name,
    typeof value === "bigint" ? `${filText(value as AttoFil)}FIL` : value,
  ]);
  return { height, version, changes: Object.fromEntries(text) };
}

function readChanges(plain: PlainUpgrade["changes"]): ParamChanges {
  const entries = Object.entries(plain).map(([name, value]) => {
    if (!changeableNames.includes(name)) {
      throw new PlainProblem(`an upgrade cannot change ${name}; it can change ${changeableNames.join(", ")}`);
    }
    return [name, readParameter(name, value)] as const;
  });
  return changesOfNamed(Object.fromEntries(entries));
}

/** In ascending order of heights; a message in words if no network could have them. */
export function readUpgrades(params: NetworkParams, plain: readonly PlainUpgrade[]): readonly Upgrade[] {
  const upgrades = [...plain]
    .sort((a, b) => a.height - b.height)
    .map(({ height, version, changes }) => ({
      height: epoch(height),
      version,
      changes: readChanges(changes),
    }));
  const problem = upgradesProblem(params, upgrades);
  if (problem !== undefined) throw new PlainProblem(`upgrades: ${problem}`);
  return upgrades;
}

export interface WantedUpgrade {
  readonly height: number;
  /** Default: that of the upgrade before. */
  readonly version: number | undefined;
  readonly changes: PlainUpgrade["changes"];
}

/** As they stand in a draft, ascending. */
export function plannedUpgrades(wanted: readonly WantedUpgrade[]): PlainUpgrade[] {
  let before = firstVersion;
  return [...wanted]
    .sort((a, b) => a.height - b.height)
    .map(({ height, version = before, changes }) => {
      before = version;
      return { height, version, changes: { ...changes } };
    });
}

export function upgradeWarnings(upgrades: readonly PlainUpgrade[]): string[] {
  const known = knownVersion(undefined);
  return upgrades
    .filter(({ version }) => version > known)
    .map(
      ({ height, version }) =>
        `from height ${height} on the network follows version ${version} of the rules; this program knows ${known} and would stop there`,
    );
}

export function upgradeText({ height, version, changes }: PlainUpgrade): string {
  const set = Object.entries(changes).map(([name, value]) => `${name} = ${value}`);
  return `from height ${height} on: ${[`rules of version ${version}`, ...set].join(", ")}`;
}
