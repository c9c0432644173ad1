/** The whole page: the order of its parts is the order in which someone asks. */

import { isMiner, type Model } from "../model.ts";
import { chain } from "./chain.ts";
import { deals } from "./deals.ts";
import { el, type Tree } from "./element.ts";
import { gate } from "./gate.ts";
import { header } from "./header.ts";
import { jobs } from "./jobs.ts";
import { mine, sectors } from "./mine.ts";
import { money } from "./money.ts";
import { type Actions, emptyNote, type Look } from "./parts.ts";
import { peers } from "./peers.ts";
import { files, puts } from "./puts.ts";
import { policy, volumes } from "./storage.ts";

export function page(model: Model, actions: Actions): Tree {
  const look: Look = { model, actions };
  if (!model.hasToken) return gate(look);
  return el(
    "div",
    { class: `sheet${model.lost === undefined ? "" : " stale"}` },
    el("a", { class: "skip", href: "#main" }, "Skip to the content"),
    header(look),
    el(
      "main",
      { id: "main", tabIndex: -1 },
      model.status === undefined ? emptyNote("Asking the node…") : body(look),
    ),
    footer(model),
  );
}

function body(look: Look): Tree[] {
  const mines = isMiner(look.model);
  return [
    el("div", { class: "wide", key: "wide" }, chain(look)),
    el(
      "div",
      { class: "columns", key: "columns" },
      el(
        "div",
        null,
        mines ? [mine(look), sectors(look), volumes(look), jobs(look)] : [puts(look), files(look)],
        deals(look),
      ),
      el("div", null, money(look), peers(look), mines ? [policy(look), puts(look), files(look)] : null),
    ),
  ];
}

function footer({ status }: Model): Tree {
  return el(
    "footer",
    null,
    el(
      "p",
      null,
      "Read from the chain with every block; nothing is asked while this page is hidden.",
      status === undefined
        ? null
        : [
            ` ${status.sectors.map(({ profile, proofMode }) => `${profile} has ${proofMode} proofs`).join(", ")}.`,
            " ",
            el("span", { key: "id" }, `holdfast ${status.version}, peer ${status.peerId}`),
          ],
    ),
  );
}
