/**
 * Parameters as a flat list of names, for files and commands: the prices of gas stand in it as "gas.message" and so on.
 * Sector classes are no value that a person types and are not in it.
 */
import { gasChanges, gasPrices } from "./gas.ts";
import type { NetworkParams } from "./params.ts";
import { changeableParams, noChanges, type ParamChanges } from "./upgrade.ts";

export type NamedValue = string | number | bigint | boolean | null;
export type NamedValues = { readonly [name: string]: NamedValue };

const gasPrefix = "gas.";

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
  ...gasPrices.map((name) => gasPrefix + name),
];

/** The changes of values that have the types of their parameters. */
export function changesOfNamed(values: NamedValues): ParamChanges {
  const { gas, ...rest } = structured(values);
  return { ...noChanges, ...rest, gas: gas === undefined ? null : gasChanges(gas) };
}

/** Parameters with some of them replaced by values that have their types. */
export function withNamedParams(params: NetworkParams, values: NamedValues): NetworkParams {
  const { gas, ...rest } = structured(values);
  return { ...params, ...rest, gas: { ...params.gas, ...gas } };
}

function flat(values: object, without: ReadonlySet<string>): NamedValues {
  const pairs = Object.entries(values).flatMap(([name, value]): [string, NamedValue][] => {
    if (without.has(name)) return [];
    if (name !== "gas") return [[name, value]];
    return Object.entries(value ?? {}).map(([price, of]) => [gasPrefix + price, of as NamedValue]);
  });
  return Object.fromEntries(pairs);
}

function structured(values: NamedValues): { readonly gas?: { readonly [price: string]: number } } {
  const plain: [string, NamedValue][] = [];
  const prices: [string, NamedValue][] = [];
  for (const [name, value] of Object.entries(values)) {
    if (name.startsWith(gasPrefix)) prices.push([name.slice(gasPrefix.length), value]);
    else plain.push([name, value]);
  }
  return {
    ...Object.fromEntries(plain),
    ...(prices.length === 0 ? {} : { gas: Object.fromEntries(prices) as { [price: string]: number } }),
  };
}
