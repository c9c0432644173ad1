/** `proof seal`: one sector sealed by hand, and what came of it. */
import { rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { addressBytes, addressFromBytes, fromHex, parseAddress, toHex } from "@holdfast/base";
import type {
  SdrReport,
  SealData,
  Sealed,
  SealRequest,
  Zigzag2019Report,
  ZigzagReport,
} from "@holdfast/node/offline";
import { z } from "zod";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { beginningAnew, cliErrors } from "../errors.ts";
import { sizeText } from "../human-text.ts";
import { oneOf, optionBytes, optionHexOf, optionText, optionU64 } from "../input.ts";
import { type Fact, facts, progressBar } from "../layout.ts";
import { checkFolderWritable, clearParts, fileChunks, partOf, statOf, writeWhole } from "../local-file.ts";
import { offline } from "../offline.ts";

/** As the node names its scratch files. */
const scratchStart = "holdfast-seal";

const hex = z.string().regex(/^[0-9a-f]+$/);
const numbers = z.array(z.int());
const common = { replicaId: hex, commD: hex, replicaSha256: hex };

const zigzag2019: z.ZodType<Zigzag2019Report> = z.object({
  ...common,
  commRLayers: z.array(hex).describe("roots of the layers' outputs, the first layer first"),
  commRStar: hex,
  challenges: z.array(z.array(numbers)).describe("nodes by partition and layer"),
});
const sdr: z.ZodType<SdrReport> = z.object({
  ...common,
  commC: hex,
  commRLast: hex,
  commR: hex,
  challenges: numbers.describe("nodes in order; none without a seed"),
});
const zigzag: z.ZodType<ZigzagReport> = z.object({
  ...common,
  commR: hex,
  commRStar: hex,
  challenges: z.array(numbers).describe("nodes by layer; none without a seed"),
});

const kinds = ["zigzag", "sdr", "zigzag-2019"] as const;
const zeros = "00".repeat(32);
/** The largest that was tried. */
const largestSector = 1_073_741_824;

/** A request without the places for its files. */
type Without<Request> = Request extends unknown ? Omit<Request, "scratchFolder" | "replicaPath"> : never;
type Asked = Without<SealRequest> & SealData;

/** The options that not every kind has. */
const optionsOf: { readonly [name: string]: readonly (typeof kinds)[number][] } = {
  ticket: ["zigzag", "sdr"],
  seed: ["zigzag", "sdr"],
  networkId: ["zigzag"],
  out: ["zigzag"],
  porepId: ["sdr"],
  apiVersion: ["sdr"],
};

export const proofSeal = action({
  result: z.union([zigzag2019, sdr, zigzag]),
  async run(context, input) {
    const request = await requestOf(context, input);
    const [out, outReplica] = [optionText(input, "out"), optionText(input, "outReplica")];
    if (out !== undefined && optionText(input, "seed") === undefined) {
      throw cliErrors.badValue({ problem: "--out needs --seed: without challenges there is no proof" });
    }
    const outputs = [out, outReplica].filter((path) => path !== undefined);
    const scratchFolder = optionText(input, "scratch") ?? folderOf(outReplica ?? out) ?? tmpdir();
    const files = [optionText(input, "data") ?? "", ...outputs].map((path) => resolve(path));
    if (new Set(files).size < files.length) {
      throw cliErrors.badValue({ problem: "--data, --out and --out-replica are different files" });
    }
    await checkOutputs(outputs, [scratchFolder, ...outputs.map(dirname)], input.options.force === true);
    for (const path of [...outputs, join(scratchFolder, scratchStart)]) await clearParts(path);
    const sealed = await whole(outReplica, async (replicaPath) => {
      const made = await sealedOnThread(context, {
        ...request,
        scratchFolder,
        ...(replicaPath && { replicaPath }),
      });
      // Before the replica has its name: if this fails, nothing stands in the way of another try.
      if (out !== undefined && made.proofFile !== undefined) {
        await writeWhole(out, `${JSON.stringify(made.proofFile, null, 2)}\n`);
      }
      return made;
    });
    if (out !== undefined && sealed.proofFile !== undefined) {
      context.terminal.hint(`the proof is in ${out}; verify it with \`holdfast proof verify\``);
    }
    return sealed.report;
  },
  render: (report) => facts(Object.entries(report).map(([name, value]): Fact => [name, linesOf(value)])),
});

/** A list of commitments or of challenges has a line for each entry. */
function linesOf(value: unknown): string | string[] {
  if (typeof value === "string") return value;
  if (!Array.isArray(value) || value.length === 0) return "-";
  if (value.every((entry) => typeof entry === "number")) return value.join(", ");
  return value.map((entry) => (typeof entry === "string" ? entry : JSON.stringify(entry)));
}

function folderOf(path: string | undefined): string | undefined {
  return path === undefined ? undefined : dirname(path);
}

/** What can be said before hours of work. Errors `cli/file-exists`, `cli/unwritable`. */
async function checkOutputs(
  paths: readonly string[],
  folders: readonly string[],
  force: boolean,
): Promise<void> {
  for (const folder of new Set(folders)) await checkFolderWritable(folder);
  for (const path of paths) {
    const found = await statOf(path);
    // Never a folder or a device of the system.
    if (found !== undefined && !(force && found.isFile)) throw cliErrors.fileExists({ path });
  }
}

/** Gives a name for what is being written, and the real one when it is complete; nothing is left of a failure. */
async function whole<Result>(
  path: string | undefined,
  work: (part: string | undefined) => Promise<Result>,
): Promise<Result> {
  if (path === undefined) return await work(undefined);
  const part = partOf(path);
  try {
    const result = await work(part);
    await rename(part, path);
    return result;
  } finally {
    await rm(part, { force: true });
  }
}

async function sealedOnThread(
  { terminal, signal }: CommandContext,
  request: SealRequest & SealData,
): Promise<Sealed> {
  const what = `sealing ${sizeText(request.sectorBytes)} by ${request.kind}`;
  const draw = (doneRatio: number): void => {
    terminal.live([[["cyan", progressBar(doneRatio)], `  ${what}`]]);
  };
  draw(0);
  const { seal } = await offline();
  const sealed = await beginningAnew(signal, seal(request, { signal, progress: draw }));
  terminal.clear();
  return sealed;
}

async function requestOf(context: CommandContext, input: CommandInput): Promise<Asked> {
  const kind = oneOf(optionText(input, "kind") ?? "", kinds, "--kind");
  for (const [name, having] of Object.entries(optionsOf)) {
    if (optionText(input, name) === undefined || having.includes(kind)) continue;
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw cliErrors.badValue({ problem: `${flag} belongs to ${having.join(" and ")}, not to ${kind}` });
  }
  const seed = optionHexOf(input, "seed", [32]);
  const ticket = optionHexOf(input, "ticket", [32]) ?? zeros;
  const shared = {
    proverId: proverIdOf(input, kind),
    sectorId: optionU64(input, "sectorId", kind === "zigzag" ? Number.MAX_SAFE_INTEGER : undefined),
    ...(seed === undefined ? {} : { seed }),
  };
  const more = { porepId: optionHexOf(input, "porepId", [32]) ?? zeros, ...apiVersionOf(input) };
  const networkId = optionHexOf(input, "networkId", [32]) ?? zeros;
  const sector = await sectorOf(context, input);
  if (kind === "zigzag") return { kind, ...sector, ...shared, ticket, networkId };
  return kind === "sdr" ? { kind, ...sector, ...shared, ticket, ...more } : { kind, ...sector, ...shared };
}

function apiVersionOf(input: CommandInput): { readonly apiVersion?: "1.0" | "1.1" } {
  const text = optionText(input, "apiVersion");
  return text === undefined ? {} : { apiVersion: oneOf(text, ["1.0", "1.1"] as const, "--api-version") };
}

/** For zigzag an address, as text or its 22 bytes; else bytes of the kind's length. */
function proverIdOf(input: CommandInput, kind: (typeof kinds)[number]): string {
  const text = optionText(input, "proverId") ?? "";
  if (kind === "sdr") return optionHexOf(input, "proverId", [32]) ?? "";
  if (kind === "zigzag") {
    if (/^[fFtT]/.test(text) && !/^[0-9a-fA-F]{44}$/.test(text))
      return toHex(addressBytes(parseAddress(text)));
    const id = optionHexOf(input, "proverId", [22]) ?? "";
    addressFromBytes(fromHex(id));
    return id;
  }
  const id = fromHex(optionHexOf(input, "proverId", [31, 32]) ?? "");
  if (id.length === 32 && id[31] !== 0) {
    throw cliErrors.badValue({ problem: "--prover-id of zigzag-2019 has 31 bytes; a 32nd one is zero" });
  }
  return toHex(id.subarray(0, 31));
}

async function sectorOf(context: CommandContext, input: CommandInput) {
  const sectorBytes = optionBytes(input, "sectorBytes") ?? 0;
  if (sectorBytes > largestSector) {
    throw cliErrors.badValue({ problem: `--sector-bytes is at most ${sizeText(largestSector)} here` });
  }
  const capacity = Math.floor(sectorBytes / 128) * 127;
  const path = optionText(input, "data") ?? "";
  if (path === "-") return { sectorBytes, data: atMost(context.stdin, capacity, "the input") };
  const found = await statOf(path);
  if (found === undefined) throw cliErrors.fileMissing({ path });
  if (found.isFolder) throw cliErrors.notAFile({ path });
  if (found.sizeBytes > capacity) throw cliErrors.overCapacity({ path, mostBytes: capacity });
  return {
    sectorBytes,
    data: atMost(
      fileChunks(path, () => undefined),
      capacity,
      path,
    ),
  };
}

/** Error `cli/over-capacity` when more bytes come. */
async function* atMost(
  chunks: AsyncIterable<Uint8Array>,
  mostBytes: number,
  path: string,
): AsyncIterable<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw cliErrors.overCapacity({ path, mostBytes });
    yield chunk;
  }
}
