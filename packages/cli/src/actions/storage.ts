/** Where a miner's sectors lie, and what is done about it. */
import { type MethodResult, methods } from "@holdfast/api";
import { action, type CommandInput } from "../command.ts";
import { plural, sizeText } from "../human-text.ts";
import {
  anyNumber,
  argument,
  oneOf,
  optionChoice,
  optionFlag,
  optionNumber,
  optionText,
  sizeWithUnit,
  wholeNumber,
} from "../input.ts";
import { table } from "../layout.ts";

type VolumeView = MethodResult<"storage.attach">;
type Lacking = NonNullable<MethodResult<"storage.ls">["lacking"]>;
type Owned = MethodResult<"storage.ls">["volumes"][number]["recorded"][number];

const roles = ["seal", "store"] as const;
const modes = ["open", "read-only", "draining"] as const;

const sectorOf = (input: CommandInput) =>
  wholeNumber(argument(input, 0, "the number of the sector"), "the number of the sector", anyNumber);

function settingsOf(input: CommandInput) {
  const max = optionText(input, "max");
  const wanted = optionText(input, "for");
  const weight = optionNumber(input, "weight", { least: 0, most: 1_000 });
  return {
    ...(max === undefined ? {} : { maxBytes: max === "none" ? null : sizeWithUnit(max, "--max") }),
    ...(wanted === undefined ? {} : { roles: wanted.split(",").map((word) => oneOf(word, roles, "--for")) }),
    ...(weight === undefined ? {} : { weight }),
  };
}

function stateText({ isHere, isWritable, mode, reason, drain }: VolumeView): string {
  const isMoving = drain?.state === "waiting" || drain?.state === "running";
  const emptying = isMoving ? `draining, ${Math.floor(drain.progress * 100)} % (job ${drain.jobId})` : mode;
  const state = !isHere ? "away" : !isWritable ? "takes no writes" : emptying;
  return reason === null ? state : `${state}: ${reason}`;
}

function volumeTable(volumes: readonly VolumeView[]): string {
  return table(
    ["VOLUME", "PLACE", "FOR", "USED", "PROMISED", "AT MOST", "FREE", "FILES", "STATE"],
    volumes.map((volume) => [
      `${volume.volumeId}`,
      volume.place,
      volume.roles.join(",") || "nothing new",
      sizeText(volume.usedBytes),
      sizeText(volume.reservedBytes),
      volume.maxBytes === null ? "-" : sizeText(volume.maxBytes),
      volume.freeBytes === null ? "-" : sizeText(volume.freeBytes),
      `${volume.files}`,
      stateText(volume),
    ]),
  );
}

function recordedText(said: Owned, there: Owned | undefined): string {
  const gone = said.files - (there?.files ?? 0);
  const recorded = `${said.sizeBytes} are recorded`;
  return gone > 0 ? `${plural(gone, "file")} gone: ${recorded}` : recorded;
}

type ListedVolume = MethodResult<"storage.ls">["volumes"][number];

/** What is recorded and what lies there, side by side. */
function ownerRows({ volumeId, recorded, unfinished }: ListedVolume, found: readonly Owned[]): string[][] {
  const owners = [...new Set([...recorded, ...found].map(({ owner }) => owner))].sort();
  return owners.map((owner) => {
    const said = recorded.find((one) => one.owner === owner);
    const there = found.find((one) => one.owner === owner);
    const differs = said !== undefined && said.sizeBytes !== (there?.sizeBytes ?? 0);
    const isHalf = owner === "staged" && unfinished.pieces > 0;
    const notes = [
      ...(differs ? [recordedText(said, there)] : []),
      ...(isHalf ? [`${unfinished.sizeBytes} are of ${plural(unfinished.pieces, "piece")} on the way`] : []),
    ];
    return [`${volumeId}`, owner, `${there?.files ?? 0}`, `${there?.sizeBytes ?? 0}`, notes.join("; ")];
  });
}

function lackingTable({ sectors, sectorCount }: Lacking): string {
  const rows = sectors.flatMap(({ sectorId, state, missing }) =>
    missing.map(({ role, volumeId, path }) => [`${sectorId}`, state, role, `${volumeId}`, path]),
  );
  const more = sectorCount - sectors.length;
  const end = more === 0 ? "" : `\nand files of ${plural(more, "more sector")}`;
  return `${table(["GONE: SECTOR", "STATE", "FILE", "VOLUME", "PATH"], rows)}${end}`;
}

export const storageList = action({
  result: methods["storage.ls"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("storage.ls", { check: optionFlag(input, "check") }, signal),
  async render({ volumes, folder, refusal, lacking, records }, context) {
    const parts = [`${volumeTable(volumes)}\n\nrecords of sectors and jobs: ${records}`];
    if (refusal !== null) parts.push(`no new sector is opened: ${refusal.reason}\nfix: ${refusal.fix}`);
    const rows = volumes.flatMap((volume) => (volume.found === null ? [] : ownerRows(volume, volume.found)));
    if (rows.length > 0) parts.push(table(["VOLUME", "OWNER", "FILES", "BYTES", ""], rows));
    if (lacking !== null && lacking.sectorCount > 0) {
      context.terminal.hint(
        "`holdfast why storage` says what follows of files that are gone, and what to do",
      );
      parts.push(lackingTable(lacking));
    }
    if (folder !== null) {
      const all = folder.map((part) => [part.name, `${part.files}`, `${part.sizeBytes}`, part.about]);
      parts.push(table(["IN THE NODE'S FOLDER", "FILES", "BYTES", "WHAT IT IS"], all));
    }
    return parts.join("\n\n");
  },
});

export const storageAttach = action({
  result: methods["storage.attach"].result,
  async run({ node, signal }, input) {
    const place = argument(input, 0, "the place of the volume");
    return (await node()).call("storage.attach", { place, ...settingsOf(input) }, signal);
  },
  render: async (volume) => volumeTable([volume]),
});

const volumeOf = (input: CommandInput, index = 0) => argument(input, index, "the volume");

export const storageSet = action({
  result: methods["storage.set"].result,
  async run({ node, signal }, input) {
    const mode = optionChoice(input, "mode", modes);
    const settings = { ...settingsOf(input), ...(mode === undefined ? {} : { mode }) };
    return (await node()).call("storage.set", { volume: volumeOf(input), ...settings }, signal);
  },
  render: async (volume) => volumeTable([volume]),
});

export const storageDrain = action({
  result: methods["storage.drain"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("storage.drain", { volume: volumeOf(input) }, signal),
  async render(volume, context) {
    context.terminal.hint(
      "its files are moved away in the background; `holdfast storage ls` shows what is left",
    );
    return volumeTable([volume]);
  },
});

export const storageDetach = action({
  result: methods["storage.detach"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call(
      "storage.detach",
      { volume: volumeOf(input), isLost: optionFlag(input, "lost") },
      signal,
    ),
  render: async ({ volume }) => `${volume} is detached`,
});

export const storageMove = action({
  result: methods["storage.move"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("storage.move", { sectorId: sectorOf(input), volume: volumeOf(input, 1) }, signal),
  render: async ({ files }) =>
    table(
      ["FILE", "VOLUME", "PATH", "SIZE"],
      files.map((file) => [file.role, `${file.volumeId}`, file.path, sizeText(file.sizeBytes)]),
    ),
});

const troubleLines = (troubles: readonly { readonly role: string; readonly problem: string }[]) =>
  troubles.map(({ role, problem }) => `${role}: ${problem}`);

export const storageCheck = action({
  result: methods["storage.check"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("storage.check", { sectorId: sectorOf(input) }, signal),
  async render({ sectorId, troubles }, context) {
    if (troubles.length === 0) return `sector ${sectorId} is whole`;
    context.terminal.hint(`\`holdfast storage repair ${sectorId}\` makes anew what can be made`);
    return troubleLines(troubles).join("\n");
  },
});

export const storageClean = action({
  result: methods["storage.clean"].result,
  run: async ({ node, signal }) => (await node()).call("storage.clean", {}, signal),
  render: async ({ removed, files, freedBytes }) =>
    [...removed, `${plural(files, "file")} deleted, ${sizeText(freedBytes)} freed`].join("\n"),
});
