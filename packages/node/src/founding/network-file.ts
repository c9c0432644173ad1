/**
 * The file that makes a network: one JSON text with a part for people (name, parameters, upgrades, peers), the proofs
 * of founders' seals, and the genesis as a CAR inside. Invariant: what people read is what machines do, because every
 * field of the readable part but the peers is compared with the genesis when the file is read.
 */
import { MemoryBlockstore } from "@holdfast/base";
import { blockCid, maxFounderSeals, readNetworkParams, readProtocol } from "@holdfast/consensus";
import { z } from "zod";
import { loadGenesis } from "../genesis.ts";
import { limits } from "../limits.ts";
import { foundingErrors } from "./errors.ts";
import { plainParameters, plainSectors } from "./parameters.ts";
import { checkFileSize, readPlainFile } from "./plain-file.ts";
import { plainUpgrade, plainUpgradesSchema } from "./upgrades.ts";

export const plainParametersSchema = z.record(
  z.string().max(64),
  z.union([z.string().max(256), z.number(), z.boolean(), z.null()]),
);
const keyHex = z
  .string()
  .max(131_072)
  .regex(/^([0-9a-f]{2})*$/, "bytes in hex");
export const plainSectorsSchema = z
  .array(
    z.strictObject({
      profile: z.string().max(64),
      sectorBytes: z.int().min(1),
      proofMode: z.enum(["vanilla", "groth16"]),
      keys: z.strictObject({ seal: keyHex, window: keyHex, winning: keyHex }).optional(),
    }),
  )
  .max(64);
export const maxFounders = 1_000;
export const maxFounderSectors = 256;
export const sealProofText = z.base64().max(Math.ceil((limits.founderSealBytes * 4) / 3) + 4);
export const multiaddrs = z.array(z.string().max(512).startsWith("/")).max(64);

const schema = z.strictObject({
  holdfast: z.literal("network/2"),
  name: z.string().max(64),
  genesis: z.string().max(128),
  began: z.iso.datetime(),
  parameters: plainParametersSchema,
  sectors: plainSectorsSchema,
  upgrades: plainUpgradesSchema,
  /** Whether the genesis commits to proofs of all founders' seals; they are in `seals`. */
  foundersProven: z.boolean(),
  bootstrap: multiaddrs,
  seals: z
    .array(z.strictObject({ miner: z.string().max(64), sectorId: z.int().min(0), proof: sealProofText }))
    .max(maxFounderSeals),
  car: z.array(z.base64().max(128)).max(1_000_000),
});
type Plain = z.output<typeof schema>;
export type PlainSeal = Plain["seals"][number];

export interface NetworkFile {
  readonly name: string;
  readonly genesis: string;
  readonly car: Uint8Array;
  readonly bootstrap: readonly string[];
  /** Proofs of the founders' sectors: empty where the draft asked for none. */
  readonly seals: readonly PlainSeal[];
  /** Everything that a person reads. */
  readonly plain: Omit<Plain, "car" | "seals">;
}

const base64Columns = 96;

/** What the genesis itself says. */
async function plainOf(car: Uint8Array): Promise<Omit<Plain, "car" | "bootstrap" | "seals">> {
  const store = new MemoryBlockstore();
  const { block, stateRoot } = await loadGenesis(car, store);
  const params = readNetworkParams(store, stateRoot);
  return {
    holdfast: "network/2",
    name: params.name,
    genesis: blockCid(block.header).toString(),
    began: new Date(block.header.timestampMs).toISOString(),
    parameters: plainParameters(params),
    sectors: plainSectors(params.sectorClasses) as Plain["sectors"],
    upgrades: readProtocol(store, stateRoot).upgrades.map(plainUpgrade),
    foundersProven: block.header.winningPost.length > 0,
  };
}

/** The text of a network's file. Errors: `chain/bad-genesis`, `network/bad-file` if nobody could read it. */
export async function writeNetworkFile(
  car: Uint8Array,
  { bootstrap, seals }: Pick<NetworkFile, "bootstrap" | "seals">,
): Promise<string> {
  const base64 = Buffer.from(car).toString("base64");
  const lines = base64.match(new RegExp(`.{1,${base64Columns}}`, "g")) ?? [];
  const text = `${JSON.stringify({ ...(await plainOf(car)), bootstrap, seals, car: lines }, null, 2)}\n`;
  checkFileSize("the network's file", text);
  return text;
}

/** Errors: `network/bad-file`, `network/contradiction`, `chain/bad-genesis`. */
export async function readNetworkFile(file: string): Promise<NetworkFile> {
  const { car: lines, seals, ...plain } = await readPlainFile(file, schema);
  const car = new Uint8Array(Buffer.from(lines.join(""), "base64"));
  const told = await plainOf(car);
  for (const [field, found] of Object.entries(told))
    compare(file, field, plain[field as keyof typeof told], found);
  return { name: plain.name, genesis: plain.genesis, car, bootstrap: plain.bootstrap, seals, plain };
}

function compare(file: string, field: string, said: unknown, found: unknown): void {
  if (isRecord(said) && isRecord(found)) {
    for (const name of new Set([...Object.keys(said), ...Object.keys(found)])) {
      compare(file, `${field}.${name}`, said[name], found[name]);
    }
    return;
  }
  const [a, b] = [JSON.stringify(said) ?? "missing", JSON.stringify(found) ?? "nothing of it"];
  if (a !== b)
    throw foundingErrors.contradiction({ file, field, said: a.slice(0, 200), found: b.slice(0, 200) });
}
const isRecord = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null;
