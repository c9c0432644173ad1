/** For a node that mines: what its workers do, what waits for them and what failed. */

import { commandLine } from "../command-lines.ts";
import type { JobView } from "../model.ts";
import { percentText } from "../texts.ts";
import { el, type Tree } from "./element.ts";
import { chip, emptyNote, type Look, listOf, moreButton, panel, shownOf, type Tone } from "./parts.ts";

const tones: { readonly [State in JobView["state"]]: Tone } = {
  waiting: "quiet",
  running: "busy",
  done: "good",
  failed: "bad",
  cancelled: "quiet",
};

/** What needs someone first, then what runs, then what waits, then the newest. */
const ranks: { readonly [State in JobView["state"]]: number } = {
  failed: 3,
  running: 2,
  waiting: 1,
  done: 0,
  cancelled: 0,
};

export function jobs(look: Look): Tree {
  const { model } = look;
  const { value, failure } = model.parts.jobs;
  const rows = (value?.jobs ?? []).toSorted(
    (one, other) => ranks[other.state] - ranks[one.state] || other.jobId - one.jobId,
  );
  const alive = rows.filter(({ state }) => state === "running" || state === "waiting").length;
  return panel(
    look,
    {
      id: "jobs",
      title: "Jobs",
      commands: [commandLine(model.status?.name ?? "", "jobs", "ls")],
      failure,
      ...(value === undefined ? {} : { note: `${alive} under way` }),
    },
    rows.length === 0
      ? emptyNote(value === undefined ? "Not asked yet." : "No job yet: sealing the first sector makes one.")
      : listOf(["job", "kind", "sector", "state", "worker"], shownOf(model, "jobs", rows).map(jobRow)),
    moreButton(look, "jobs", rows.length),
  );
}

function jobRow(job: JobView): Tree {
  return el(
    "tr",
    { key: job.jobId },
    el("td", null, String(job.jobId)),
    el("td", null, job.kind),
    el("td", null, job.sectorId === null ? "–" : String(job.sectorId)),
    el(
      "td",
      null,
      chip(tones[job.state], job.state),
      job.state === "running" ? ` ${percentText(job.progress, 1)}` : null,
      job.failure === null ? null : el("div", { class: "note" }, job.failure.message),
    ),
    el("td", null, job.workerId ?? "–"),
  );
}
