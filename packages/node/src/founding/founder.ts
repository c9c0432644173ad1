/**
 * One founder's part: keys and really sealed sectors in its own folder, and a signed file of what others need to know,
 * with the proofs of the seals where the draft asks for them.
 * The folder becomes a node's by `init` with the network's file, keys and sectors as they are.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Address, filText, parseFil, toHex } from "@holdfast/base";
import { foundedMinerAddress, type NetworkParams, sectorSizes } from "@holdfast/consensus";
import { createProver } from "@holdfast/proofs";
import { openNodeDisk, openStorage } from "@holdfast/storage";
import { importGenesisSector, preseal } from "../devnet-genesis.ts";
import { openKeys } from "../keys.ts";
import { peerIdOfSeed } from "../peer-identity.ts";
import { type Founder, type FounderFacts, founderSchema, founderSigningBytes } from "./draft.ts";
import { foundingErrors } from "./errors.ts";
import type { FoundingNeeds } from "./needs.ts";
import { checkFileSize, parsePlain, readPlainFile } from "./plain-file.ts";
import { proveFounderSector } from "./seals.ts";

const founderFile = "founder.json";

export interface FounderOptions {
  readonly sectors: number;
  /** As the draft says. */
  readonly foundersProven: boolean;
  /** Default: the network's smallest size. */
  readonly sectorBytes?: number;
  /** Multiaddrs without the peer id, at which the founder's node will listen for others. */
  readonly listen: readonly string[];
}

export const readFounder = (file: string): Promise<Founder> => readPlainFile(file, founderSchema);

/** What a folder holds of a founder; undefined if it is none's. */
export async function founderOf(repo: string): Promise<Founder | undefined> {
  const path = join(repo, founderFile);
  try {
    return parsePlain(path, await readFile(path, "utf8"), founderSchema);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Errors: `network/already-founder`, `network/unfinished-founder`, `proofs/…`, `storage/…`, `keystore/…`. */
export async function foundSectors(
  params: NetworkParams,
  options: FounderOptions,
  needs: FoundingNeeds,
): Promise<{ readonly file: string; readonly founder: Founder }> {
  const { paths } = needs;
  if ((await founderOf(paths.root)) !== undefined)
    throw foundingErrors.alreadyFounder({ folder: paths.root });
  if (existsSync(join(paths.root, "storage.db")))
    throw foundingErrors.unfinishedFounder({ folder: paths.root });
  await mkdir(paths.keystore, { recursive: true, mode: 0o700 });
  await mkdir(paths.storage, { recursive: true });
  const { passphrase } = needs;
  const { wallet, peerSeed } = await openKeys({
    keystore: paths.keystore,
    network: params.networkByte,
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  const owner = wallet.defaultAddress() ?? (await wallet.newAccount());
  const workerKey = await wallet.newBlsKey();
  const miner = foundedMinerAddress(params.networkByte, workerKey);
  const peerId = await peerIdOfSeed(peerSeed);
  const facts: FounderFacts = {
    holdfast: "founder/2",
    network: params.name,
    owner,
    workerKey: toHex(workerKey),
    peerId,
    miner,
    sectors: await sealSectors(params, miner, options, needs),
    bootstrap: options.listen.map((address) => `${address}/p2p/${peerId}`),
  };
  const founder = { ...facts, signature: toHex(wallet.sign(owner, founderSigningBytes(facts))) };
  const file = join(paths.root, founderFile);
  const text = `${JSON.stringify(founder, null, 2)}\n`;
  checkFileSize(file, text);
  await writeFile(file, text);
  return { file, founder };
}

async function sealSectors(
  params: NetworkParams,
  miner: Address,
  { sectors, sectorBytes = Math.min(...sectorSizes(params)), foundersProven }: FounderOptions,
  { clock, paths }: FoundingNeeds,
): Promise<FounderFacts["sectors"]> {
  await using storage = await openStorage({
    sectorBytes,
    classes: params.sectorClasses,
    disk: await openNodeDisk(paths.storage),
    dbPath: join(paths.root, "storage.db"),
    prover: createProver(),
    clock,
  });
  const made: FounderFacts["sectors"] = [];
  for (let number = 0; number < sectors; number += 1) {
    const presealed = await preseal(params, miner, {}, { number, sectorBytes });
    await importGenesisSector(storage, params, miner, presealed);
    const { identity, sealed } = presealed;
    made.push({
      sectorId: number,
      sectorBytes,
      commD: toHex(identity.commD),
      commR: toHex(sealed.commR),
      commRStar: toHex(sealed.commRStar),
      ...(foundersProven ? { sealProof: await proveFounderSector(params, presealed, sectorBytes) } : {}),
    });
  }
  return made;
}

export const amountText = (text: string): string => `${filText(parseFil(text))}FIL`;
