/**
 * What a light client keeps: one small file with the headers of the trusted tipset, the state after it, why it is
 * trusted, and whom to ask. It is as trusted as the program itself; that its parts belong together is checked when
 * it is read. Written beside and renamed, so that a kill leaves the old or the new one.
 */
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { encode, HoldfastError, parseCid } from "@holdfast/base";
import { blockHeaderCodec, createTipset, decodeLightHeader, type LightTrust } from "@holdfast/consensus";
import { z } from "zod";
import { limits } from "../limits.ts";
import { lightServiceErrors } from "./errors.ts";

const format = "holdfast-light-1";

const fileShape = z.strictObject({
  format: z.literal(format),
  network: z.string().max(64),
  genesis: z.string().max(200),
  genesisTimeMs: z.int(),
  /** Where it began: the genesis, or a checkpoint. */
  anchor: z.string().max(16_384),
  trusted: z.strictObject({
    height: z.int().min(0),
    cids: z.array(z.string().max(200)).min(1).max(64),
    state: z.string().max(200),
    headersBase64: z.array(z.string()).min(1).max(64),
  }),
  basis: z
    .strictObject({
      topHeight: z.int(),
      signedPowerBytes: z.string().regex(/^\d{1,78}$/),
      totalPowerBytes: z.string().regex(/^\d{1,78}$/),
      signers: z.int(),
    })
    .nullable(),
  finalityEpochs: z.int(),
  top: z.strictObject({ height: z.int(), timestampMs: z.int() }),
  savedMs: z.int(),
  peers: z.array(z.string().max(512)).max(limits.lightProviders),
  urls: z.array(z.string().max(512)).max(limits.lightProviders),
});
export type LightFile = z.output<typeof fileShape>;

/** What it says, as the client takes it. Errors `light/bad-file`. */
export function trustOf(file: LightFile, path: string): LightTrust {
  try {
    const { trusted, basis, genesisTimeMs } = file;
    const tipset = createTipset(
      trusted.headersBase64.map((text) => decodeLightHeader(new Uint8Array(Buffer.from(text, "base64")))),
    );
    if (tipset.cids.join() !== trusted.cids.join() || tipset.height !== trusted.height)
      throw lightServiceErrors.badFile({ path, detail: "its headers are not those that it names" });
    return {
      genesis: parseCid(file.genesis),
      genesisTimeMs,
      trusted: { tipset, state: parseCid(trusted.state) },
      basis:
        basis === null
          ? undefined
          : {
              topHeight: basis.topHeight,
              signedPower: BigInt(basis.signedPowerBytes),
              totalPower: BigInt(basis.totalPowerBytes),
              signers: basis.signers,
            },
    };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code === "light/bad-file") throw error;
    throw lightServiceErrors.badFile({ path, detail: error.message }, error);
  }
}

export type LightFileFacts = Omit<LightFile, "format" | "genesis" | "genesisTimeMs" | "trusted" | "basis">;

export function fileOf(
  { genesis, genesisTimeMs, trusted, basis }: LightTrust,
  facts: LightFileFacts,
): LightFile {
  const { tipset, state } = trusted;
  return {
    format,
    ...facts,
    genesis: genesis.toString(),
    genesisTimeMs,
    trusted: {
      height: tipset.height,
      cids: tipset.cids.map(String),
      state: state.toString(),
      headersBase64: tipset.blocks.map((header) =>
        Buffer.from(encode(blockHeaderCodec, header)).toString("base64"),
      ),
    },
    basis:
      basis === undefined
        ? null
        : {
            topHeight: basis.topHeight,
            signedPowerBytes: basis.signedPower.toString(),
            totalPowerBytes: basis.totalPower.toString(),
            signers: basis.signers,
          },
  };
}

/** Undefined if there is none. Errors `light/bad-file`. */
export async function readLightFile(path: string): Promise<LightFile | undefined> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > limits.lightFileBytes)
      throw lightServiceErrors.badFile({ path, detail: `it has ${size} bytes` });
    await using file = await open(path, "r");
    text = await file.readFile("utf8");
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw lightServiceErrors.badFile({ path, detail: String(error) }, error);
  }
  const found = fileShape.safeParse(jsonOf(text));
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  const detail = issue === undefined ? "it is another" : `${issue.path.join(".")}: ${issue.message}`;
  throw lightServiceErrors.badFile({ path, detail });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** For its owner only: addresses of APIs may hold tokens. Errors `light/unwritable`. */
export async function writeLightFile(path: string, content: LightFile): Promise<void> {
  const next = `${path}.${process.pid}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await using file = await open(next, "w", 0o600);
    await file.writeFile(`${JSON.stringify(content, null, 2)}\n`);
    await file.sync();
    await rename(next, path);
  } catch (cause) {
    await rm(next, { force: true });
    throw lightServiceErrors.unwritable({ path, detail: String(cause) }, cause);
  }
}
