/** For a node that mines: is it earning, when must it prove next, and its sectors. */

import { commandLine } from "../command-lines.ts";
import { headHeight, type MineStatus, type SectorView } from "../model.ts";
import { heightText, numberText, percentText, plural, shortHeightText, sizeText } from "../texts.ts";
import { el, type Tree } from "./element.ts";
import {
  bar,
  chip,
  emptyNote,
  facts,
  idText,
  type Look,
  listOf,
  mark,
  moreButton,
  panel,
  shortFil,
  shownOf,
  type Tone,
} from "./parts.ts";

const tones: { readonly [Light in MineStatus["light"]]: Tone } = {
  earning: "good",
  "at-risk": "warn",
  "not-earning": "bad",
};
const words: { readonly [Light in MineStatus["light"]]: string } = {
  earning: "Earning",
  "at-risk": "At risk",
  "not-earning": "Not earning",
};

export function mine(look: Look): Tree {
  const { model } = look;
  const { value, failure } = model.parts.mine;
  return panel(
    look,
    {
      id: "mine",
      title: "Mining",
      commands: [commandLine(model.status?.name ?? "", "mine", "status")],
      failure,
    },
    value === undefined ? emptyNote("Not asked yet.") : status(look, value),
  );
}

function status({ model }: Look, value: MineStatus): Tree[] {
  const head = headHeight(model);
  const roundMs = model.status?.roundMs ?? 0;
  const when = (height: number | null): string =>
    height === null ? "–" : shortHeightText(height, head, roundMs);
  return [
    el(
      "p",
      { class: `light ${tones[value.light]}`, key: "light" },
      mark(tones[value.light]),
      el("strong", null, words[value.light]),
      el("span", null, value.reason),
    ),
    el(
      "p",
      { class: "share", key: "share" },
      `${sizeText(value.powerBytes)} of ${sizeText(value.networkPowerBytes)} proven in the network, `,
      percentText(value.powerBytes, value.networkPowerBytes),
    ),
    el("div", { key: "power" }, bar(0, ratio(value.powerBytes, value.networkPowerBytes), "power")),
    facts(
      ["next proof due", heightText(value.nextDeadline, head, roundMs)],
      ["last proof", when(value.lastPostAt)],
      ["blocks won", numberText(value.blocksWon)],
      ["last block", when(value.lastBlockAt)],
      ["earned", shortFil(value.earnedFil)],
      ["available", shortFil(value.availableFil)],
      ["pledge", shortFil(value.pledgeFil)],
      ["miner", idText(value.miner)],
    ),
  ];
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

const goodStates = new Set(["active", "committed"]);
const badStates = new Set(["faulty", "failed"]);

function toneOf(state: string): Tone {
  if (goodStates.has(state)) return "good";
  if (badStates.has(state)) return "bad";
  return state === "expired" ? "quiet" : "busy";
}

/** Those that need someone first, then the newest. */
function byUrgency(a: SectorView, b: SectorView): number {
  return urgency(b) - urgency(a) || b.sectorId - a.sectorId;
}
const urgency = ({ state }: SectorView): number =>
  badStates.has(state) ? 2 : goodStates.has(state) || state === "expired" ? 0 : 1;

export function sectors(look: Look): Tree {
  const { model } = look;
  const { value: all, failure } = model.parts.sectors;
  const rows = (all ?? []).toSorted(byUrgency);
  return panel(
    look,
    {
      id: "sectors",
      title: "Sectors",
      commands: [commandLine(model.status?.name ?? "", "sector", "ls")],
      failure,
      ...(all === undefined ? {} : { note: plural(rows.length, "sector") }),
    },
    rows.length === 0
      ? emptyNote(all === undefined ? "Not asked yet." : "No sector yet: the first deal fills one.")
      : listOf(
          ["sector", "state", "used", "proven", "ends"],
          shownOf(model, "sectors", rows).map((sector) => sectorRow(look, sector)),
        ),
    moreButton(look, "sectors", rows.length),
  );
}

function sectorRow({ model }: Look, sector: SectorView): Tree {
  const when = (height: number | null): Tree =>
    height === null
      ? el("td", null, "–")
      : el(
          "td",
          { title: `height ${numberText(height)}` },
          shortHeightText(height, headHeight(model), model.status?.roundMs ?? 0),
        );
  return el(
    "tr",
    { key: sector.sectorId },
    el("td", null, String(sector.sectorId)),
    el(
      "td",
      null,
      chip(toneOf(sector.state), sector.state),
      sector.detail === "" ? null : el("div", { class: "note" }, sector.detail),
    ),
    el("td", null, `${sizeText(sector.usedBytes)} of ${sizeText(sector.sectorBytes)}`),
    when(sector.lastProvenAt),
    when(sector.expiresAt),
  );
}
