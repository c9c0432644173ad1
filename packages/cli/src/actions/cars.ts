/** What `car import`, `car export` and `car ls` do. */
import { resolve } from "node:path";
import { broughtData, importedCar } from "@holdfast/api";
import { z } from "zod";
import { action, type CommandContext } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { plural, programWord, sizeText, withoutEllipsis } from "../human-text.ts";
import { argument, cidArgument, optionFlag } from "../input.ts";
import { facts, progressBar } from "../layout.ts";
import { readFileBytes, sizeOfFile, statOf, streamToFile } from "../local-file.ts";
import { offline } from "../offline.ts";

/** A file, or `-`, with a bar while it is read. */
async function* carBytes(path: string, { terminal, stdin }: CommandContext): AsyncIterable<Uint8Array> {
  if (path === "-") return yield* stdin;
  const sizeBytes = await sizeOfFile(path);
  yield* readFileBytes(path, (readBytes) =>
    terminal.live([[["cyan", progressBar(readBytes / sizeBytes)], `  ${sizeText(readBytes)}`]]),
  );
}

export const carImport = action({
  result: importedCar,
  async run(context, input) {
    const path = argument(input, 0, "the CAR file");
    if (path !== "-") await sizeOfFile(path);
    const made = await (await context.node()).importCar(carBytes(path, context), context.signal);
    context.terminal.clear();
    return made;
  },
  render: ({ version, roots, blocks, leftOut }) =>
    facts([
      ...roots.map(({ cid, sizeBytes }): [string, string] => ["kept", `${cid}  ${sizeText(sizeBytes)}`]),
      ["blocks", `${blocks}${leftOut === 0 ? "" : `, ${leftOut} left out`}`],
      ["CAR version", String(version)],
    ]),
});

export const dealImport = action({
  result: broughtData,
  async run(context, input) {
    const dealId = withoutEllipsis(argument(input, 0, "the deal's id"));
    const path = argument(input, 1, "the CAR file");
    if (path !== "-") await sizeOfFile(path);
    const brought = await (await context.node()).bringData(dealId, carBytes(path, context), context.signal);
    context.terminal.clear();
    return brought;
  },
  render: ({ dealId, pieces, carBytes: size }, { env }) =>
    facts([
      ["brought", `${sizeText(size)} in ${plural(pieces, "piece")}, all of it as the deal names it`],
      ["see", `${programWord(env)} deal show ${dealId}`],
    ]),
});

export const carExport = action({
  result: z.object({ cid: z.string(), path: z.string(), sizeBytes: z.int(), version: z.int() }),
  async run({ node, signal, terminal }, input) {
    const cid = cidArgument(input, 0, "the CID");
    const path = resolve(argument(input, 1, "the file"));
    if ((await statOf(path)) !== undefined) throw cliErrors.inTheWay({ path });
    const version = optionFlag(input, "v2") ? 2 : 1;
    const bytes = await (await node()).openCar(cid, version, signal);
    const sizeBytes = await streamToFile(path, bytes, (written) =>
      terminal.live([`written: ${sizeText(written)}`]),
    );
    terminal.clear();
    return { cid, path, sizeBytes, version };
  },
  render: ({ path, sizeBytes, version }) =>
    facts([
      ["file", path],
      ["size", sizeText(sizeBytes)],
      ["CAR version", String(version)],
    ]),
});

const listed = z.union([
  z.object({ version: z.int(), roots: z.array(z.string()) }).describe("first"),
  z.object({ cid: z.string(), sizeBytes: z.int(), offsetBytes: z.int() }).describe("each block"),
  z.object({ blocks: z.int(), totalBytes: z.int() }).describe("last: all of them were checked"),
]);

export const carList = action({
  result: listed,
  async *run(context, input): AsyncIterable<z.output<typeof listed>> {
    const { listCar } = await offline();
    const { version, roots, blocks } = await listCar(carBytes(argument(input, 0, "the CAR file"), context));
    context.terminal.clear();
    yield { version, roots: [...roots] };
    let count = 0;
    let totalBytes = 0;
    for await (const block of blocks) {
      context.signal.throwIfAborted();
      count += 1;
      totalBytes += block.sizeBytes;
      context.terminal.clear();
      yield block;
    }
    context.terminal.clear();
    yield { blocks: count, totalBytes };
  },
  render(line) {
    if ("roots" in line)
      return facts([
        ["CAR version", String(line.version)],
        ...line.roots.map((root): [string, string] => ["root", root]),
      ]);
    if ("cid" in line) return `${line.cid}  ${sizeText(line.sizeBytes)}`;
    return `${plural(line.blocks, "block")}, ${sizeText(line.totalBytes)}, all of them match their CIDs`;
  },
});
