/** Files of this node: the puts that run, with their checklists, and what is stored. */

import { commandLine, getLine } from "../command-lines.ts";
import { type FileView, headHeight, type PutView } from "../model.ts";
import { heightText, plural, roughly, sizeText } from "../texts.ts";
import { el, type Tree } from "./element.ts";
import {
  bar,
  chip,
  commandRow,
  emptyNote,
  failureNote,
  idText,
  type Look,
  moreButton,
  panel,
  shortFil,
  shownOf,
  strangersText,
  type Tone,
} from "./parts.ts";
import { type TrackStep, track } from "./track.ts";

const steps = [
  ["imported", "imported"],
  ["quoted", "quoted"],
  ["funded", "funded"],
  ["proposed", "proposed"],
  ["transferred", "transferred"],
  ["sealed", "sealed"],
  ["committed", "committed"],
  ["proven", "proven"],
  ["read-back", "read back"],
] as const satisfies readonly (readonly [PutView["copies"][number]["step"], string])[];

/** Jobs that are under way or went wrong; one that is done has become a file. */
export function puts(look: Look): Tree | null {
  const { model } = look;
  const { value: all = [], failure } = model.parts.puts;
  const open = all.filter(({ state }) => state !== "done").toSorted((a, b) => b.startedAtMs - a.startedAtMs);
  if (open.length === 0 && failure === undefined) return null;
  return panel(
    look,
    {
      id: "puts",
      title: "Being stored",
      note: plural(open.length, "file"),
      commands: [commandLine(model.status?.name ?? "", "jobs")],
      failure,
    },
    shownOf(model, "puts", open).map((job) => putJob(look, job)),
    moreButton(look, "puts", open.length),
  );
}

function putJob(look: Look, job: PutView): Tree {
  const node = look.model.status?.name ?? "";
  return el(
    "article",
    { class: "row", key: job.jobId },
    el(
      "h3",
      null,
      strangersText(job.name ?? job.cid),
      job.state === "failed" ? chip("bad", "failed") : chip("busy", "storing"),
      job.encrypted ? chip("quiet", "encrypted") : null,
    ),
    el(
      "p",
      { class: "about" },
      `${sizeText(job.sizeBytes)}, price `,
      shortFil(job.totalFil),
      timeText(look, job),
    ),
    job.error === null ? null : failureNote(job.error),
    job.copies.map((copy, index) => putCopy(copy, index)),
    job.state === "failed" ? commandRow(look, commandLine(node, "why", job.jobId)) : null,
  );
}

/** By the clock of the node, which need not be the browser's. */
function timeText({ model: { status } }: Look, job: PutView): string {
  if (job.state === "failed") {
    return `, given up after ${roughly((job.finishedAtMs ?? job.updatedAtMs) - job.startedAtMs)}`;
  }
  const nowMs = status === undefined ? job.updatedAtMs : status.head.timestampMs + status.headAgeMs;
  return `, under way for ${roughly(nowMs - job.startedAtMs)}`;
}

function putCopy(copy: PutView["copies"][number], index: number): Tree {
  const isDone = copy.stepsDone.length === steps.length;
  const marked: TrackStep[] = steps.map(([step, name]) => {
    if (copy.stepsDone.includes(step)) return { name, state: "done" };
    if (copy.step !== step) return { name, state: "ahead" };
    return { name, state: copy.error === null ? "now" : "failed" };
  });
  return el(
    "div",
    { class: "copy", key: `${copy.miner} ${index}` },
    el("p", null, `copy ${index + 1} at `, idText(copy.miner), ", ", shortFil(copy.priceFil)),
    track(`Steps of copy ${index + 1}`, marked),
    isDone || copy.error !== null ? null : bar(0, copy.progressRatio, "progress"),
    copy.error === null ? null : failureNote(copy.error),
    copy.error === null && copy.detail !== "" ? el("p", { class: "about" }, copy.detail) : null,
  );
}

const fileTones: { readonly [State in FileView["state"]]: Tone } = {
  storing: "busy",
  stored: "good",
  "at-risk": "warn",
  lost: "bad",
  expired: "quiet",
  failed: "bad",
};

export function files(look: Look): Tree {
  const { model } = look;
  const node = model.status?.name ?? "";
  const { value: all, failure } = model.parts.files;
  const rows = all ?? [];
  return panel(
    look,
    {
      id: "files",
      title: "Files",
      commands: rows.length === 0 ? [commandLine(node, "put", "README.md")] : [commandLine(node, "ls")],
      failure,
      ...(all === undefined ? {} : { note: plural(rows.length, "file") }),
    },
    all !== undefined && rows.length === 0
      ? emptyNote("Nothing is stored yet. This stores a file at two miners, and waits until it is proven:")
      : null,
    shownOf(model, "files", rows).map((file) => fileRow(look, file)),
    moreButton(look, "files", rows.length),
  );
}

function fileRow(look: Look, file: FileView): Tree {
  const { model } = look;
  const until = file.storedUntilHeight;
  return el(
    "article",
    { class: "row", key: file.cid },
    el(
      "h3",
      null,
      strangersText(file.name ?? file.cid),
      chip(fileTones[file.state], file.state),
      file.encrypted ? chip("quiet", "encrypted") : null,
    ),
    el(
      "p",
      { class: "about" },
      `${sizeText(file.sizeBytes)}, ${file.activeCopies} of ${file.copies} ${file.copies === 1 ? "copy" : "copies"}`,
      " proven",
      until === null ? "" : `, ends ${heightText(until, headHeight(model), model.status?.roundMs ?? 0)}`,
      file.reason === "" ? "" : `: ${file.reason}`,
    ),
    commandRow(look, getLine(model.status?.name ?? "", file.cid, file.name)),
  );
}
