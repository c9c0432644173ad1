/** Pieces without a node: commitments, and proofs that a sector holds one. */
import { parseBytes } from "@holdfast/base";
import type { InclusionFile, ListedPiece } from "@holdfast/node/offline";
import { z } from "zod";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { beginningAnew, cliErrors } from "../errors.ts";
import { sizeText } from "../human-text.ts";
import { argument, optionBytes, optionFlag, optionText } from "../input.ts";
import { facts, progressBar } from "../layout.ts";
import { checkReplaceable, fileChunks, statOf, writeWhole } from "../local-file.ts";
import { offline } from "../offline.ts";
import { checkedFile, verdictLines, verdictOf, verifiedProof } from "./proof.ts";

/** A file, or `-`, chunk by chunk, with a bar while it is read. */
async function* chunksOf(path: string, context: CommandContext): AsyncIterable<Uint8Array> {
  const { terminal, signal } = context;
  const draw = (readBytes: number, sizeBytes: number): void => {
    signal.throwIfAborted();
    const bar = sizeBytes > 0 ? progressBar(readBytes / sizeBytes) : "reading";
    terminal.live([[["cyan", bar], `  ${sizeText(readBytes)}`]]);
  };
  if (path !== "-") return yield* fileChunks(path, draw);
  let readBytes = 0;
  for await (const chunk of context.stdin) {
    readBytes += chunk.length;
    draw(readBytes, 0);
    yield chunk;
  }
}

async function commitmentOf(path: string, context: CommandContext) {
  const { pieceFacts } = await offline();
  const found = await beginningAnew(context.signal, pieceFacts(chunksOf(path, context)));
  context.terminal.clear();
  return found;
}

export const pieceCommp = action({
  result: z.object({
    rawBytes: z.int(),
    paddedBytes: z.int().describe("128·2^k: what it takes in a sector"),
    commP: z.string(),
    pieceCid: z.string(),
  }),
  run: (context, input) => commitmentOf(argument(input, 0, "the file"), context),
  render: ({ rawBytes, paddedBytes, commP, pieceCid }) =>
    facts([
      ["piece CID", pieceCid],
      ["commP", commP],
      ["size", `${rawBytes} bytes (${sizeText(rawBytes)})`],
      ["padded", `${paddedBytes} bytes (${sizeText(paddedBytes)})`],
    ]),
});

/** `CID:SIZE`; anything else is a path. */
const written = /^(baga[a-z2-7]+):(.+)$/;

export async function listedPiece(word: string, context: CommandContext): Promise<ListedPiece> {
  const [, cid, size] = written.exec(word) ?? [];
  if (cid !== undefined && size !== undefined) {
    const { commPOfCid } = await offline();
    return { commP: await commPOfCid(cid), paddedBytes: parseBytes(size) };
  }
  if (/^baga[a-z2-7]{40,}$/.test(word) && (await statOf(word)) === undefined) {
    throw cliErrors.badValue({ problem: `${word} needs its padded size: ${word}:SIZE` });
  }
  return commitmentOf(word, context);
}

function indexOf(input: CommandInput, words: readonly string[]): number {
  const which = optionText(input, "piece") ?? "0";
  const place = words.indexOf(which);
  if (place >= 0) return place;
  if (/^\d{1,9}$/.test(which)) return Number(which);
  throw cliErrors.badValue({ problem: `--piece is a place in the list or a word of it, not ${which}` });
}

const inclusion: z.ZodType<InclusionFile> = z.object({
  kind: z.literal("piece-inclusion"),
  sectorBytes: z.int(),
  commD: z.string(),
  pieceCid: z.string(),
  commP: z.string(),
  paddedBytes: z.int(),
  offsetPaddedBytes: z.int().describe("where in the padded sector the piece begins"),
  proof: z.string().describe("first leaf (8 bytes, little-endian), then the siblings up to commD"),
});

export const inclusionProve = action({
  result: inclusion,
  async run(context, input) {
    const words = input.args.map((_word, index) => argument(input, index, "a piece"));
    const index = indexOf(input, words);
    const sectorBytes = optionBytes(input, "sectorBytes") ?? 0;
    const out = optionText(input, "out");
    if (out !== undefined) await checkReplaceable(out, optionFlag(input, "force"));
    const pieces: ListedPiece[] = [];
    for (const word of words) pieces.push(await listedPiece(word, context));
    const { proveInclusion } = await offline();
    const proof = await proveInclusion(pieces, sectorBytes, index);
    if (out !== undefined) {
      await writeWhole(out, `${JSON.stringify(proof, null, 2)}\n`);
      context.terminal.hint(`the proof is in ${out}; verify it with \`holdfast piece inclusion verify\``);
    }
    return proof;
  },
  render: ({ pieceCid, paddedBytes, offsetPaddedBytes, sectorBytes, commD, proof }) =>
    facts([
      ["piece CID", pieceCid],
      [
        "lies at",
        `${offsetPaddedBytes} to ${offsetPaddedBytes + paddedBytes} of ${sectorBytes} padded bytes`,
      ],
      ["commD", commD],
      ["proof", proof],
    ]),
});

/** commP of a file or of a piece CID, commD in hex or as a CID. */
async function commitmentOption(text: string, context: CommandContext): Promise<string> {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  if (!text.startsWith("baga") || (await statOf(text)) !== undefined) {
    return (await commitmentOf(text, context)).commP;
  }
  return (await offline()).commPOfCid(text);
}

export const inclusionVerify = action({
  result: verifiedProof,
  async run(context, input) {
    const checked = await checkedFile(argument(input, 0, "the proof file"), context);
    const { file } = checked;
    if (file.kind === "seal") {
      throw cliErrors.badValue({ problem: `this is a ${file.kind} proof; see \`holdfast proof verify\`` });
    }
    const checks = [...checked.checks];
    const expect = async (option: string, told: string, what: string): Promise<void> => {
      const text = optionText(input, option);
      if (text === undefined) return;
      const wanted = await commitmentOption(text, context);
      if (wanted !== told) throw cliErrors.otherProof({ what, wanted, told });
      checks.push(`it is about the ${what} that you named`);
    };
    await expect("piece", file.commP, "piece");
    if (file.kind === "piece-inclusion") await expect("commD", file.commD, "sector");
    else await expect("commD", file.aggregateCommP, "aggregate");
    return verdictOf({ ...checked, checks });
  },
  render: verdictLines,
});
