/**
 * Parameters of a network as people write them: money in FIL, everything else as the chain counts it. Reading is
 * strict: every field is there, none is unknown, and what is wrong is named by its path.
 */
import {
  type Address,
  type AttoFil,
  decode,
  encode,
  filText,
  fromHex,
  HoldfastError,
  parseAddress,
  parseFil,
  toHex,
} from "@holdfast/base";
import {
  devnetParams,
  type NamedValue,
  type NamedValues,
  type NetworkParams,
  namedParams,
  networkParamsCodec,
  withNamedParams,
} from "@holdfast/consensus";
import type { SectorClass } from "@holdfast/proofs/verify";

export type PlainParameters = { readonly [name: string]: string | number | boolean | null };
export interface PlainSectors {
  readonly profile: string;
  readonly sectorBytes: number;
  readonly proofMode: string;
  readonly keys?: { readonly seal: string; readonly window: string; readonly winning: string } | undefined;
}

const template: NetworkParams = devnetParams({ name: "template", roundMs: 1_000 });
const templateValues: NamedValues = namedParams(template);
/** "gas.message" and so on are the prices of gas. */
export const parameterNames: readonly string[] = Object.keys(templateValues);

export function plainParameters(params: NetworkParams): PlainParameters {
  const entries = Object.entries(namedParams(params)).map(([name, value]) => [
    name,
    typeof value === "bigint" ? `${filText(value as AttoFil)}FIL` : value,
  ]);
  return Object.fromEntries(entries);
}

export function plainSectors(classes: readonly SectorClass[]): PlainSectors[] {
  return classes.map(({ profile, sectorBytes, proofMode, keys }) => ({
    profile,
    sectorBytes,
    proofMode,
    ...(keys === null
      ? {}
      : { keys: { seal: toHex(keys.seal), window: toHex(keys.window), winning: toHex(keys.winning) } }),
  }));
}

/** One parameter from its text or value; a message in words if it is none. */
export function readParameter(name: string, value: unknown): NamedValue {
  const kind = templateValues[name];
  if (name === "upgradeAuthority" || name === "idle.authority")
    return value === null ? null : addressOf(name, value);
  if (typeof kind === "bigint") return amountOf(name, value);
  if (typeof kind === "string") {
    if (typeof value === "string") return value;
  } else if (typeof kind === "boolean") {
    if (value === true || value === "true") return true;
    if (value === false || value === "false") return false;
  } else if (/^\d{1,15}$/.test(String(value))) return Number(value);
  throw new PlainProblem(
    `${name} is a ${typeof kind === "number" ? "whole number" : typeof kind}, not ${String(value)}`,
  );
}

/** What is wrong with a file, in words; becomes an error of the file where its name is known. */
export class PlainProblem extends Error {
  override readonly name = "PlainProblem";
}

function amountOf(name: string, value: unknown): AttoFil {
  return worded(name, () => parseFil(String(value)));
}
function addressOf(name: string, value: unknown): Address {
  if (typeof value !== "string") throw new PlainProblem(`${name} is an address or null`);
  return worded(name, () => parseAddress(value));
}
function worded<Result>(name: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new PlainProblem(`${name}: ${error instanceof HoldfastError ? error.message : String(error)}`);
  }
}

/** All parameters, and through the codec of the chain, so that nothing passes that a chain would not take. */
export function readParameters(plain: PlainParameters, sectors: readonly PlainSectors[]): NetworkParams {
  const unknown = Object.keys(plain).find((name) => !parameterNames.includes(name));
  if (unknown !== undefined) throw new PlainProblem(`there is no parameter ${unknown}`);
  const missing = parameterNames.find((name) => !(name in plain));
  if (missing !== undefined) throw new PlainProblem(`parameters.${missing} is missing`);
  const read = Object.fromEntries(parameterNames.map((name) => [name, readParameter(name, plain[name])]));
  const sectorClasses = sectors.map(({ keys, ...rest }) => ({
    ...rest,
    keys:
      keys === undefined
        ? null
        : { seal: fromHex(keys.seal), window: fromHex(keys.window), winning: fromHex(keys.winning) },
  }));
  const params = withNamedParams(
    { ...template, sectorClasses: sectorClasses as readonly SectorClass[] },
    read,
  );
  return worded("parameters", () => decode(networkParamsCodec, encode(networkParamsCodec, params)));
}
