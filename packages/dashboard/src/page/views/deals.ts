/** Deals as parcels: one line each with its way, and for the one that is opened its history, day by day. */

import { commandLine } from "../command-lines.ts";
import { type DealDetail, type DealView, headHeight } from "../model.ts";
import { heightText, plural, roughly, shortId, sizeText } from "../texts.ts";
import { el, type Tree } from "./element.ts";
import {
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
import { stepsUpTo, type TrackStep, track } from "./track.ts";

const way = ["proposing", "accepted", "transferring", "staged", "sealing", "committed", "active", "complete"];
const names = ["proposed", "accepted", "transferred", "staged", "sealed", "committed", "proving", "complete"];

export function deals(look: Look): Tree {
  const { model } = look;
  const { value: all, failure } = model.parts.deals;
  const rows = all ?? [];
  return panel(
    look,
    {
      id: "deals",
      title: "Deals",
      commands: [commandLine(model.status?.name ?? "", "deals")],
      failure,
      ...(all === undefined ? {} : { note: plural(rows.length, "deal") }),
    },
    all !== undefined && rows.length === 0
      ? emptyNote("A deal is one copy of a file at one miner. There is none yet.")
      : null,
    shownOf(model, "deals", rows).map((deal) => dealRow(look, deal)),
    moreButton(look, "deals", rows.length),
  );
}

/** A deal that failed went as far as its sectors and heights tell. */
function stepsOf(deal: DealView): readonly TrackStep[] {
  const at = way.indexOf(deal.state);
  if (at >= 0) return stepsUpTo(names, at, deal.state === "complete" ? "done" : "now");
  if (deal.state === "rejected") return stepsUpTo(names, 1, "failed");
  if (deal.provenSectors > 0) return stepsUpTo(names, 6, "failed");
  return stepsUpTo(names, deal.sectors.length > 0 ? 4 : 2, "failed");
}

function toneOf({ state }: DealView): Tone {
  if (state === "active" || state === "complete") return "good";
  return state === "rejected" || state === "failed" ? "bad" : "busy";
}

function dealRow(look: Look, deal: DealView): Tree {
  const { model, actions } = look;
  const isOpen = model.openDealId === deal.dealId;
  const other = deal.role === "client" ? deal.miner : deal.client;
  return el(
    "article",
    { class: "row", key: `${deal.role} ${deal.dealId}` },
    el(
      "h3",
      null,
      strangersText(deal.name ?? shortId(deal.payload)),
      chip(toneOf(deal), deal.state),
      el(
        "button",
        {
          type: "button",
          class: "more",
          "aria-expanded": isOpen ? "true" : "false",
          onClick: () => actions.openDeal(isOpen ? undefined : deal.dealId),
        },
        isOpen ? "less" : "more",
      ),
    ),
    el(
      "p",
      { class: "about" },
      `${sizeText(deal.sizeBytes)} ${deal.role === "client" ? "at" : "for"} `,
      idText(other),
      ", ",
      shortFil(deal.totalFil),
      deal.sectors.length === 0
        ? ""
        : `, ${deal.provenSectors} of ${plural(deal.sectors.length, "sector")} proven`,
      deal.detail === "" ? "" : `: ${deal.detail}`,
    ),
    track(`Way of the deal ${shortId(deal.dealId)}`, stepsOf(deal)),
    isOpen ? opened(look, deal) : null,
  );
}

function opened(look: Look, deal: DealView): Tree {
  const { model } = look;
  const { value, failure } = model.openDeal;
  const node = model.status?.name ?? "";
  const end = deal.endHeight;
  return el(
    "div",
    { class: "opened" },
    failure === undefined ? null : failureNote(failure),
    value === undefined || value.dealId !== deal.dealId ? null : history(value),
    value === undefined ? null : payments(value),
    deal.onChain === null ? null : collaterals(deal.onChain),
    end === null
      ? null
      : el("p", { class: "about" }, `ends ${heightText(end, headHeight(model), model.status?.roundMs ?? 0)}`),
    commandRow(look, commandLine(node, "deal", "show", deal.dealId)),
    commandRow(look, commandLine(node, "why", deal.dealId)),
  );
}

/** Each step with the time that it took to come there. */
function history({ history: entries }: DealDetail): Tree {
  const first = entries[0]?.atMs ?? 0;
  return el(
    "ol",
    { class: "history" },
    entries.map(({ atMs, state, detail }, index) =>
      el(
        "li",
        { key: index },
        el("span", { class: "when" }, `+${roughly(atMs - first)}`),
        el("span", null, detail === "" ? state : `${state}: ${detail}`),
      ),
    ),
  );
}

/** What both sides answer with, as the chain has it. */
function collaterals({
  status,
  clientCollateralFil,
  providerCollateralFil,
}: NonNullable<DealView["onChain"]>): Tree {
  return el(
    "p",
    { class: "about" },
    `${status} on the chain; `,
    shortFil(clientCollateralFil),
    " of the client and ",
    shortFil(providerCollateralFil),
    " of the miner answer for it",
  );
}

function payments({ vouchers, redeemedFil, totalFil }: DealDetail): Tree {
  const redeemed = vouchers.filter((voucher) => voucher.redeemed).length;
  return el(
    "p",
    { class: "about" },
    shortFil(redeemedFil),
    " of ",
    shortFil(totalFil),
    ` paid, ${redeemed} of ${plural(vouchers.length, "voucher")} redeemed`,
  );
}
