/** Why a disk or bucket of this miner is not used as its operator wants it to be, and which files are gone from it. */
import type { MethodResult } from "@holdfast/api";
import { workLimits } from "../../work-limits.ts";
import type { Explanation, HandlerNeeds } from "../needs.ts";
import { storageHandlers } from "./storage.ts";

type Listed = MethodResult<"storage.ls">;
type VolumeView = Listed["volumes"][number];
type Lacking = NonNullable<Listed["lacking"]>;

/** `rpc/no-sectors`. */
export async function explainStorage(needs: HandlerNeeds, signal: AbortSignal): Promise<Explanation> {
  const wanted = { check: false, lacking: true };
  const { volumes, refusal, lacking } = await storageHandlers(needs)["storage.ls"](wanted, signal);
  const base = { subject: "storage", kind: "storage" as const };
  const troubled = volumes.filter(({ reason }) => reason !== null);
  const emptied = volumes.filter(
    ({ mode, reason, files }) => mode === "draining" && reason === null && files > 0,
  );
  const isLacking = lacking !== null && lacking.sectorCount > 0;
  const causes = [...troubled.map(troubleText), ...(isLacking ? lackingTexts(lacking) : [])];
  if (refusal !== null)
    return {
      ...base,
      state: "refusing",
      light: "failing",
      summary: "no new sector is opened, so deals are refused that need one",
      causes: [refusal.reason, ...causes],
      fix: refusal.fix,
    };
  const wants = `${troubled.length} of ${volumes.length} volumes want something`;
  if (isLacking) {
    const { files, sectorCount } = lacking;
    const gone = `${count(files, "file")} of ${count(sectorCount, "sector")} ${files === 1 ? "is" : "are"} gone`;
    return {
      ...base,
      state: "lacking",
      light: "failing",
      summary: troubled.length > 0 ? `${gone}, and ${wants}` : gone,
      causes,
      fix: `${remedy(lacking)}; find out who deletes there: nobody but the node should`,
    };
  }
  if (troubled.length > 0)
    return {
      ...base,
      state: "troubled",
      light: "failing",
      summary: wants,
      causes,
      fix: "what each line says; `holdfast storage ls` shows it again",
    };
  const isEmptied = emptied.length > 0;
  return {
    ...base,
    state: isEmptied ? "draining" : "here",
    light: isEmptied ? "waiting" : "ok",
    summary: isEmptied
      ? `${emptied.length} of ${volumes.length} volumes are being emptied`
      : `${volumes.length === 1 ? "the volume is" : `all ${volumes.length} volumes are`} here, ${foundText(lacking)}`,
    causes: emptied.map(emptyingText),
    fix: null,
  };
}

const count = (many: number, word: string): string => `${many} ${word}${many === 1 ? "" : "s"}`;

const troubleText = ({ volumeId, place, reason }: VolumeView): string =>
  `volume ${volumeId} (${place}): ${reason}`;

function foundText(lacking: Lacking | null): string {
  if (lacking === null || lacking.lookedTo === null) return "with all files that are recorded";
  const all = "`holdfast storage ls --check` looks at all";
  return `with all recorded files of the first ${lacking.looked} sectors (${all})`;
}

function remedy({ sectors, sectorCount }: Lacking): string {
  const isAnyMended = sectors.some(({ isRepairable, state }) => isRepairable && state !== "proved");
  return isAnyMended && sectorCount > 1
    ? "what each line says; `holdfast storage repair --all` makes anew what can be made"
    : "what each line says";
}

function lackingTexts({ sectors, sectorCount }: Lacking): string[] {
  const named = sectors.slice(0, workLimits.lackingNamed);
  const more = sectorCount - named.length;
  const lines = named.map((sector) => {
    const files = sector.missing.map(({ role, volumeId, path }) => `${role} (volume ${volumeId}, ${path})`);
    return `sector ${sector.sectorId} lacks ${files.join(", ")}: ${consequence(sector)}`;
  });
  return more === 0 ? lines : [...lines, `and ${count(more, "more sector")}`];
}

/** What comes of it, and what to do. */
function consequence(sector: Lacking["sectors"][number]): string {
  const { sectorId, state, missing, isRepairable } = sector;
  const isLanded = state === "committed" || state === "faulty";
  if (!isLanded && state !== "proved")
    return `it cannot be sealed as it is; \`holdfast why ${sectorId}\` says what comes of it`;
  const isGone = (role: string): boolean => missing.some((file) => file.role === role);
  if (!isGone("sealed") && !isGone("tree") && !isGone("unsealed"))
    return "it is proven without; it has to begin anew only if the chain takes its seal back";
  const cost = costOf(sector, isGone("sealed"));
  const repair = `\`holdfast storage repair ${sectorId}\``;
  if (isRepairable) return `${cost}; ${repair} makes it anew${isLanded ? "" : " when its seal is final"}`;
  const end = `\`holdfast mine terminate ${sectorId}\``;
  return `${cost}; nothing is left to make it of: put it back, or give the sector up with ${end}`;
}

function costOf({ isProvable }: Lacking["sectors"][number], isReplicaGone: boolean): string {
  if (!isProvable) return "it cannot be proven, so it is faulty from its next proof on and pays for that";
  return isReplicaGone
    ? "it is still proven, by its tree alone, and its pieces are lost with their plain copy"
    : "its pieces are made out of its replica each time, which is slow";
}

function emptyingText({ volumeId, place, drain, files }: VolumeView): string {
  const how =
    drain === null ? "" : `, ${Math.floor(drain.progress * 100)} % (job ${drain.jobId}, ${drain.state})`;
  return `volume ${volumeId} (${place}) is being emptied${how}; ${files} files are left`;
}
