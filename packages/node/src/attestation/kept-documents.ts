/**
 * Fetched documents, kept on disk. A fresh one is not asked for again; where a newer one cannot be had, the one before
 * goes on to be used, and the verifier says when it has expired. What is kept is believed no more than what is fetched.
 */
import {
  type Clock,
  c,
  type Disk,
  decode,
  encode,
  HoldfastError,
  sha256,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import { limits } from "../limits.ts";
import type { Fetcher } from "./needs.ts";

/** A document and the chain that came with it in a header. */
export interface KeptDocument {
  readonly url: string;
  readonly atMs: number;
  readonly bytes: Uint8Array;
  readonly chain: string;
}

const keptCodec = c.tuple("KeptDocument", {
  url: c.text(2_048),
  atMs: c.uint(),
  bytes: c.bytes(limits.collateralFetchBytes),
  chain: c.text(65_536),
});

export interface DocumentNeeds {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly fetcher: Fetcher;
}

export interface Wanted {
  readonly url: string;
  /** The header with the issuers' certificates. */
  readonly chainHeader?: string;
  /** It never changes: a certificate of one chip and firmware. */
  readonly forGood?: boolean;
  readonly check: (bytes: Uint8Array, chain: string) => void;
}

const folder = "collateral";
const nameOf = (url: string): string => `${folder}/${toHex(sha256(utf8Bytes(url))).slice(0, 40)}`;

/** Errors: `attestation/not-fetched`, and those of `check`, if there is none that was kept. */
export async function keptOrFetched(
  needs: DocumentNeeds,
  wanted: Wanted,
  signal?: AbortSignal,
): Promise<KeptDocument> {
  const { clock, disk } = needs;
  const kept = await keptOf(disk, wanted);
  const age = kept === undefined ? Number.POSITIVE_INFINITY : clock.nowMs() - kept.atMs;
  const isFresh = wanted.forGood === true || (age >= 0 && age < limits.collateralFreshMs);
  if (kept !== undefined && isFresh) return kept;
  try {
    const { bytes, headers } = await needs.fetcher.get(wanted.url, signal);
    const chain = decoded(headers.get(wanted.chainHeader ?? "") ?? "");
    wanted.check(bytes, chain);
    const document = { url: wanted.url, atMs: clock.nowMs(), bytes, chain };
    await keep(disk, document);
    return document;
  } catch (error) {
    signal?.throwIfAborted();
    if (kept === undefined || !(error instanceof HoldfastError)) throw error;
    return kept;
  }
}

async function keptOf(disk: Disk, { url, check }: Wanted): Promise<KeptDocument | undefined> {
  const file = await disk.readFile(nameOf(url));
  if (file === undefined) return undefined;
  try {
    const document = decode(keptCodec, file);
    check(document.bytes, document.chain);
    return document.url === url ? document : undefined;
  } catch (error) {
    // What a crash or a hand has spoiled is fetched again.
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

async function keep(disk: Disk, document: KeptDocument): Promise<void> {
  const names = await disk.list(folder);
  if (names.length >= limits.collateralKept) {
    for (const name of names) await disk.remove(`${folder}/${name}`);
  }
  await disk.writeFile(nameOf(document.url), encode(keptCodec, document));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
