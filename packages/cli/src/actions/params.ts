/** `params`: making, listing, checking, publishing and fetching the parameters of SNARK circuits. */
import { basename, dirname, resolve } from "node:path";
import type { FetchedFile, MadeSet, ParameterSet, VerifiedSet } from "@holdfast/node/offline";
import { z } from "zod";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { plural, sizeText } from "../human-text.ts";
import { oneOf, optionBytes, optionFlag, optionHexOf, optionList, optionText } from "../input.ts";
import { progressBar, table } from "../layout.ts";
import { readFileBytes } from "../local-file.ts";
import { offline } from "../offline.ts";

const uses = ["seal", "window", "winning"] as const;
/** Rows of the table of sector sizes whose proofs have circuits, by kind. */
const profilePrefix = { zigzag: "zigzag-poseidon-", "zigzag-blake2s": "zigzag-" } as const;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const made = z.discriminatedUnion("how", [
  z.object({ how: z.literal("setup") }),
  z.object({
    how: z.literal("ceremony"),
    phase1: z.array(z.string()),
    phase2: z.array(z.string()),
    lastHash: digest,
  }),
]);
const parameterSet = z.object({
  id: z.string(),
  circuitId: z.string(),
  sectorBytes: z.int().describe("0: for any"),
  constraints: z.int(),
  files: z.array(z.object({ name: z.string(), sizeBytes: z.int() })),
  missing: z.array(z.string()).describe("files that are not there, or not whole"),
  made,
});
type SetView = z.output<typeof parameterSet>;

function viewOf({ id, meta, sectorBytes, files, missing }: ParameterSet): SetView {
  const { how, ...rest } = meta.made;
  return {
    id,
    circuitId: meta.circuitId,
    sectorBytes,
    constraints: meta.constraintCount,
    files: files.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
    missing: [...missing],
    made: made.parse({ how, ...rest }),
  };
}

const makersOf = (set: SetView): string =>
  set.made.how === "setup" ? "one party" : plural(set.made.phase2.length, "contribution");
/** The beginning of an id, which names the set in other commands too. */
const shortSetId = (id: string): string => id.replace(/(-[0-9a-f]{8})[0-9a-f]+$/, "$1…");
const withoutTrail = (id: string): string => id.replace(/…$/, "");
const sizeOfSet = (set: SetView): number => set.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

/** The functions for parameters, with the folder that the user means. */
async function opened({ env }: CommandContext, input: CommandInput) {
  const tools = await (await offline()).parameters();
  const folder = resolve(optionText(input, "dir") ?? tools.defaultParameterFolder(env));
  return { ...tools, folder, cache: tools.openParameterCache({ folder }) };
}

/** Draws what is done now. */
function progressOf({ terminal, signal }: CommandContext) {
  return {
    signal,
    progress(what: string, doneRatio?: number): void {
      terminal.live([doneRatio === undefined ? what : [["cyan", progressBar(doneRatio)], `  ${what}`]]);
    },
  };
}

export const paramsCache = action({
  result: z.array(parameterSet.extend({ use: z.enum(uses), madeNow: z.boolean() })),
  async run(context, input) {
    const kind = oneOf(optionText(input, "kind") ?? "", ["zigzag", "zigzag-blake2s"] as const, "--kind");
    const sectorBytes = optionBytes(input, "sectorBytes") ?? 0;
    const given = optionList(input, "circuit").map((use) => oneOf(use, uses, "--circuit"));
    const profile = `${profilePrefix[kind]}${sizeText(sectorBytes).replace(" ", "")}`;
    const wanted = uses
      .filter((use) => given.length === 0 || given.includes(use))
      .map((use) => ({ profile, use }));
    const { cache } = await opened(context, input);
    const sets = await cache.make(wanted, { ...makersGiven(input), ...progressOf(context) });
    context.terminal.clear();
    const all = await cache.list();
    return sets.flatMap((one: MadeSet) => {
      const set = all.find(({ id }) => id === one.id);
      return set === undefined ? [] : [{ ...viewOf(set), use: one.use, madeNow: one.madeNow }];
    });
  },
  render: (sets) =>
    table(
      ["CIRCUIT", "", "CONSTRAINTS", "SIZE", "MADE BY", "ID"],
      sets.map((set) => [
        set.use,
        set.madeNow ? "made" : "was there",
        set.constraints.toLocaleString("en"),
        sizeText(sizeOfSet(set)),
        makersOf(set),
        shortSetId(set.id),
      ]),
    ),
});

/** Names of contributors: of what `.meta` files take. */
const nameForm = /^[^\p{C}"\\]{1,64}$/u;

function makersGiven(input: CommandInput): { readonly contributors?: string[]; readonly beacon?: string } {
  const beacon = optionHexOf(input, "beacon", [32]);
  const text = optionText(input, "contributors");
  if (text === undefined) {
    if (beacon === undefined) return {};
    throw cliErrors.badValue({ problem: "--beacon ends a ceremony: name its --contributors" });
  }
  const contributors = text.split(",").map((name) => name.trim());
  const bad = contributors.find((name) => !nameForm.test(name) || name === "beacon");
  if (bad !== undefined || new Set(contributors).size < contributors.length) {
    throw cliErrors.badValue({
      problem:
        "--contributors are different names of 1 to 64 characters with commas between them, none of them beacon",
    });
  }
  return { contributors, ...(beacon === undefined ? {} : { beacon }) };
}

export const paramsList = action({
  result: z.array(parameterSet),
  run: async (context, input) => (await (await opened(context, input)).cache.list()).map(viewOf),
  render(sets, { terminal }) {
    if (sets.length === 0) {
      terminal.hint(
        "no parameters yet; `holdfast params cache` makes them, `holdfast params fetch` fetches them",
      );
      return "";
    }
    return table(
      ["SHAPE", "SECTOR", "CONSTRAINTS", "SIZE", "MADE BY", "STATE", "ID"],
      sets.map((set) => [
        /\{(.*)\}$/.exec(set.circuitId)?.[1] ?? set.circuitId, // the id names the circuit
        set.sectorBytes === 0 ? "any" : sizeText(set.sectorBytes),
        set.constraints.toLocaleString("en"),
        sizeText(sizeOfSet(set)),
        makersOf(set),
        set.missing.length === 0 ? "whole" : `lacks ${plural(set.missing.length, "file")}`,
        shortSetId(set.id),
      ]),
    );
  },
});

const fileOfSet = /^(v\d{1,4}-.+-[0-9a-f]{64})\.(params|vk|transcript|meta)$/;

/** Sets by a file of theirs, by the beginning of an id, or all. */
async function chosen(context: CommandContext, input: CommandInput) {
  const tools = await opened(context, input);
  const [what] = input.args;
  const all = optionFlag(input, "all");
  if (all === (what !== undefined)) {
    throw cliErrors.badValue({ problem: "name a file or the beginning of an id, or give --all" });
  }
  const path = what === undefined ? null : fileOfSet.exec(basename(what));
  if (what === undefined || path === null) {
    const sets = await tools.chosenSets(tools.folder, what === undefined ? [] : [withoutTrail(what)]);
    return { cache: tools.cache, ids: sets.map(({ id }) => id) };
  }
  const folder = what.includes("/") ? resolve(dirname(what)) : tools.folder;
  return { cache: tools.openParameterCache({ folder }), ids: [path[1] ?? ""] };
}

/** The checks of one contributor as one line. */
function grouped(checks: readonly string[]): string[] {
  const groups = new Map<string, string[]>();
  for (const check of checks) {
    const by = /^(phase \d, .+?): /.exec(check)?.[1] ?? check;
    groups.set(by, [...(groups.get(by) ?? []), check]);
  }
  return [...groups].map(([by, list]) =>
    list.length === 1 ? (list[0] ?? by) : `${by}: ${list.length} checks`,
  );
}

export const paramsVerify = action({
  result: z.object({
    id: z.string(),
    circuitId: z.string(),
    checks: z.array(z.string()),
    notes: z.array(z.string()),
  }),
  async *run(context, input) {
    const { cache, ids } = await chosen(context, input);
    for (const id of ids) {
      const { checks, notes, ...set }: VerifiedSet = await cache.verify(id, progressOf(context));
      context.terminal.clear();
      yield { ...set, checks: [...checks], notes: [...notes] };
    }
  },
  render: ({ id, circuitId, checks, notes }, { terminal }) => {
    const mark = terminal.paint("green", "✓");
    return [
      `${mark} ${circuitId}`,
      `  ${id}`,
      ...grouped(checks).map((check) => `  ${mark} ${check}`),
      ...notes.map((note) => `  note: ${note}`),
    ].join("\n");
  },
});

const publishedFile = z.object({
  name: z.string(),
  cid: z.string(),
  digest: digest.describe("BLAKE2b-256"),
  sizeBytes: z.int(),
  sectorBytes: z.int().describe("0: for any"),
});

export const paramsPublish = action({
  result: z.object({ list: z.string(), files: z.array(publishedFile) }),
  async run(context, input) {
    const { folder, kuboAdder, publishParameters } = await opened(context, input);
    const api = optionText(input, "ipfsApi");
    const ids = input.args.filter((id) => id !== undefined).map(withoutTrail);
    const list = resolve(optionText(input, "jsonFile") ?? "");
    const add = api === undefined ? await nodeAdder(context) : kuboAdder(api);
    const files = await publishParameters({ folder, ids, add, listPath: list }, progressOf(context));
    context.terminal.clear();
    return { list, files: [...files] };
  },
  render: ({ list, files }) =>
    [
      table(
        ["FILE", "SIZE", "CID"],
        files.map(({ name, sizeBytes, cid }) => [name, sizeText(sizeBytes), cid]),
      ),
      "",
      `${plural(files.length, "entry", "entries")} in ${list}`,
    ].join("\n"),
});

/** Adds files through the running node, which keeps and provides them. */
async function nodeAdder(context: CommandContext) {
  const node = await context.node();
  return async (path: string): Promise<string> => {
    const bytes = readFileBytes(path, () => undefined);
    return (await node.importFile(bytes, context.signal)).cid;
  };
}

const fetchedFile: z.ZodType<FetchedFile> = z.object({
  name: z.string(),
  state: z.enum(["fetched", "present"]),
  sizeBytes: z.int(),
  resumedBytes: z.int().describe("what an earlier fetch had left"),
  from: z.string().nullable(),
});

export const paramsFetch = action({
  result: fetchedFile,
  async *run(context, input) {
    const { folder, fetchFiles, readManifest, nodeSource, sourceOf } = await opened(context, input);
    const given = optionList(input, "from").map(sourceOf);
    const sectorBytes = optionBytes(input, "sectorBytes");
    const names = input.args.filter((name) => name !== undefined).map(withoutTrail);
    const list = resolve(optionText(input, "jsonFile") ?? "");
    const manifest = new Map(
      [...(await readManifest(list))].filter(
        ([name, entry]) =>
          (sectorBytes === undefined || entry.sectorBytes === sectorBytes) &&
          (names.length === 0 || names.some((start) => name.startsWith(start))),
      ),
    );
    if (manifest.size === 0) throw cliErrors.notListed({ list });
    const sources = given.length > 0 ? given : [nodeSource(await openByNode(context))];
    for await (const file of fetchFiles({ folder, manifest, sources }, progressOf(context))) {
      context.terminal.clear();
      yield file;
    }
  },
  render: ({ name, state, sizeBytes, resumedBytes, from }) => {
    if (state === "present") return `${name}: is there, ${sizeText(sizeBytes)}`;
    const kept = resumedBytes === 0 ? "" : `, ${sizeText(resumedBytes)} of it were there already`;
    return `${name}: ${sizeText(sizeBytes)} from ${from}${kept}`;
  },
});

async function openByNode(context: CommandContext) {
  const node = await context.node();
  return (cid: string, offset: number, signal: AbortSignal) =>
    node.openFile(cid, { offsetBytes: offset }, signal);
}
