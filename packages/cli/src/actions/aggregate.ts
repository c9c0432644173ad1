/** `piece aggregate`: many small pieces in one. */
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ListedPiece, MadeAggregate } from "@holdfast/node/offline";
import { z } from "zod";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { cliErrors, systemDetail } from "../errors.ts";
import { plural, sizeText } from "../human-text.ts";
import { argument, optionBytes, optionFlag, optionText } from "../input.ts";
import { facts, table } from "../layout.ts";
import { checkReplaceable, fileChunks, statOf, writeWhole } from "../local-file.ts";
import { offline } from "../offline.ts";
import { listedPiece } from "./piece.ts";

const segment = z.object({
  pieceCid: z.string(),
  commP: z.string(),
  paddedBytes: z.int(),
  offsetPaddedBytes: z.int().describe("where in the padded aggregate the piece begins"),
  proof: z.string().describe("of its inclusion, as FRC-0058 encodes it"),
});

export const pieceAggregate = action({
  result: z.object({
    paddedBytes: z.int(),
    commP: z.string(),
    pieceCid: z.string(),
    segments: z.array(segment),
  }),
  async run(context, input) {
    const words = input.args.map((_word, index) => argument(input, index, "a piece"));
    const out = optionText(input, "out");
    if (out !== undefined) {
      await checkReplaceable(out, optionFlag(input, "force"));
      await checkFiles(words);
    }
    const pieces: ListedPiece[] = [];
    for (const word of words) pieces.push(await listedPiece(word, context));
    const { makeAggregate } = await offline();
    const made = await makeAggregate(pieces, optionBytes(input, "paddedBytes"));
    if (out !== undefined) await writeAggregate(out, made, words, context);
    await writeProofs(made, input);
    const folder = optionText(input, "proofs");
    if (out !== undefined) context.terminal.hint(`the aggregate is in ${out}`);
    if (folder !== undefined) {
      context.terminal.hint(
        `the proofs are in ${folder}; verify them with \`holdfast piece inclusion verify\``,
      );
    }
    const { paddedBytes, commP, pieceCid, proofs } = made;
    return {
      paddedBytes,
      commP,
      pieceCid,
      segments: proofs.map(({ kind: _k, aggregateBytes: _b, aggregateCommP: _c, ...one }) => one),
    };
  },
  render: ({ paddedBytes, commP, pieceCid, segments }) =>
    [
      facts([
        ["piece CID", pieceCid],
        ["commP", commP],
        ["padded", `${paddedBytes} bytes (${sizeText(paddedBytes)}), ${plural(segments.length, "piece")}`],
      ]),
      "",
      table(
        ["PIECE", "LIES AT", "PADDED"],
        segments.map((one) => [one.pieceCid, String(one.offsetPaddedBytes), String(one.paddedBytes)]),
      ),
    ].join("\n"),
});

async function checkFiles(words: readonly string[]): Promise<void> {
  for (const path of words) {
    const found = await statOf(path);
    if (found === undefined) throw cliErrors.fileMissing({ path });
    if (!found.isFile) throw cliErrors.notAFile({ path });
  }
}

async function writeProofs({ proofs }: MadeAggregate, input: CommandInput): Promise<void> {
  const folder = optionText(input, "proofs");
  if (folder === undefined) return;
  const { makeFolder } = await offline();
  try {
    await makeFolder(folder);
  } catch (cause) {
    throw cliErrors.unwritable({ path: folder, detail: systemDetail(cause) }, cause);
  }
  const files = proofs.map(
    (proof, index) => [join(folder, `${index}-${proof.pieceCid}.json`), proof] as const,
  );
  for (const [path] of files) await checkReplaceable(path, optionFlag(input, "force"));
  for (const [path, proof] of files) await writeWhole(path, `${JSON.stringify(proof, null, 2)}\n`);
}

const zeroChunk = new Uint8Array(65_536);

function* zeros(count: number): Iterable<Uint8Array> {
  for (let left = count; left > 0; left -= zeroChunk.length) yield zeroChunk.subarray(0, left);
}

/** The aggregate's bytes; a file that changed since it was read is noticed by its length. */
async function* bytesOf({ parts }: MadeAggregate, words: readonly string[]): AsyncIterable<Uint8Array> {
  for (const part of parts) {
    if (part.kind === "zeros") yield* zeros(part.userBytes);
    else if (part.kind === "index") yield part.bytes;
    else {
      const path = words[part.index] ?? "";
      let readBytes = 0;
      for await (const chunk of fileChunks(path, () => undefined)) {
        readBytes += chunk.length;
        if (readBytes > part.userBytes) {
          throw cliErrors.fileChanged({ path, expectedBytes: part.userBytes, foundBytes: readBytes });
        }
        yield chunk;
      }
      yield* zeros(part.userBytes - readBytes);
    }
  }
}

async function writeAggregate(
  path: string,
  made: MadeAggregate,
  words: readonly string[],
  { signal }: CommandContext,
): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    await using file = await open(part, "w");
    for await (const chunk of bytesOf(made, words)) {
      signal.throwIfAborted();
      for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
    }
    await file.sync();
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true });
    if (cause instanceof Error && "syscall" in cause) {
      throw cliErrors.unwritable({ path, detail: systemDetail(cause) }, cause);
    }
    throw cause;
  }
}
