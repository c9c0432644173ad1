/**
 * Parameters as a flat list of names, for files and commands: the prices of gas stand in it as "gas.message" and so on,
 * those of idle space as "idle.profile". Sector classes are no value that a person types and are not in it.
 */
import { gasChanges, gasPrices } from "./gas.ts";
import type { NetworkParams } from "./params.ts";
import { changeableParams, noChanges, type ParamChanges } from "./upgrade.ts";

export type NamedValue = string | number | bigint | boolean | null;
export type NamedValues = { readonly [name: string]: NamedValue };

/** Parameters that are lists of parameters. */
const groups = ["gas", "idle"] as const;
type Group = (typeof groups)[number];
const prefixOf = (group: Group): string => `${group}.`;

/** All but the sector classes. */
export function namedParams(params: NetworkParams): NamedValues {
  return flat(params, new Set(["sectorClasses"]));
}

/** The constants that change. */
export function namedChanges(changes: ParamChanges): NamedValues {
  const named = Object.entries(flat(changes, new Set())).filter(([, value]) => value !== null);
  return Object.fromEntries(named);
}

/** What an upgrade may name. */
export const changeableNames: readonly string[] = [
  ...changeableParams.filter((name) => name !== "gas"),
  ...gasPrices.map((name) => prefixOf("gas") + name),
];

/** The changes of values that have the types of their parameters. */
export function changesOfNamed(values: NamedValues): ParamChanges {
  const { plain, grouped } = structured(values);
  const { gas } = grouped;
  return { ...noChanges, ...plain, gas: gas === undefined ? null : gasChanges(gas as PricesGiven) };
}

type PricesGiven = { readonly [price: string]: number };

/** Parameters with some of them replaced by values that have their types. */
export function withNamedParams(params: NetworkParams, values: NamedValues): NetworkParams {
  const { plain, grouped } = structured(values);
  const [gas, idle] = [
    { ...params.gas, ...grouped.gas },
    { ...params.idle, ...grouped.idle },
  ];
  return { ...params, ...plain, gas, idle };
}

function flat(values: object, without: ReadonlySet<string>): NamedValues {
  const pairs = Object.entries(values).flatMap(([name, value]): [string, NamedValue][] => {
    if (without.has(name)) return [];
    const group = groups.find((one) => one === name);
    if (group === undefined) return [[name, value]];
    return Object.entries(value ?? {}).map(([member, of]) => [prefixOf(group) + member, of as NamedValue]);
  });
  return Object.fromEntries(pairs);
}

interface Structured {
  readonly plain: NamedValues;
  readonly grouped: { readonly [Name in Group]?: NamedValues };
}

function structured(values: NamedValues): Structured {
  const plain: [string, NamedValue][] = [];
  const grouped: { [Name in Group]?: { [name: string]: NamedValue } } = {};
  for (const [name, value] of Object.entries(values)) {
    const group = groups.find((one) => name.startsWith(prefixOf(one)));
    if (group === undefined) plain.push([name, value]);
    else grouped[group] = { ...grouped[group], [name.slice(prefixOf(group).length)]: value };
  }
  return { plain: Object.fromEntries(plain), grouped };
}
