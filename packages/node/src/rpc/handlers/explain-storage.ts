/** Why a disk or bucket of this miner is not used as its operator wants it to be. */
import type { MethodResult } from "@holdfast/api";
import type { Explanation, HandlerNeeds } from "../needs.ts";
import { storageHandlers } from "./storage.ts";

type VolumeView = MethodResult<"storage.ls">["volumes"][number];

/** `rpc/no-sectors`. */
export async function explainStorage(needs: HandlerNeeds, signal: AbortSignal): Promise<Explanation> {
  const { volumes, refusal } = await storageHandlers(needs)["storage.ls"]({ check: false }, signal);
  const base = { subject: "storage", kind: "storage" as const };
  const troubled = volumes.filter(({ reason }) => reason !== null);
  const emptied = volumes.filter(
    ({ mode, reason, files }) => mode === "draining" && reason === null && files > 0,
  );
  if (refusal !== null)
    return {
      ...base,
      state: "refusing",
      light: "failing",
      summary: "no new sector is opened, so deals are refused that need one",
      causes: [refusal.reason, ...troubled.map(troubleText)],
      fix: refusal.fix,
    };
  if (troubled.length > 0)
    return {
      ...base,
      state: "troubled",
      light: "failing",
      summary: `${troubled.length} of ${volumes.length} volumes want something`,
      causes: troubled.map(troubleText),
      fix: "what each line says; `holdfast storage ls` shows it again",
    };
  const isEmptied = emptied.length > 0;
  return {
    ...base,
    state: isEmptied ? "draining" : "here",
    light: isEmptied ? "waiting" : "ok",
    summary: isEmptied
      ? `${emptied.length} of ${volumes.length} volumes are being emptied`
      : `all ${volumes.length} volumes are here`,
    causes: emptied.map(emptyingText),
    fix: null,
  };
}

const troubleText = ({ volumeId, place, reason }: VolumeView): string =>
  `volume ${volumeId} (${place}): ${reason}`;

function emptyingText({ volumeId, place, drain, files }: VolumeView): string {
  const how =
    drain === null ? "" : `, ${Math.floor(drain.progress * 100)} % (job ${drain.jobId}, ${drain.state})`;
  return `volume ${volumeId} (${place}) is being emptied${how}; ${files} files are left`;
}
