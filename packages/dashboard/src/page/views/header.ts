/** Who the node is and how it does: the light, its reason, and the command that mends it. */

import { commandLine } from "../command-lines.ts";
import type { NodeStatus } from "../model.ts";
import { plural, roughly } from "../texts.ts";
import { el, type Tree } from "./element.ts";
import { commandRow, facts, failureNote, idText, type Look, mark, shortFil, type Tone } from "./parts.ts";

const tones: { readonly [Light in NodeStatus["health"]["light"]]: Tone } = {
  ok: "good",
  warning: "warn",
  failing: "bad",
};
const words: { readonly [Light in NodeStatus["health"]["light"]]: string } = {
  ok: "Healthy",
  warning: "Attention",
  failing: "Failing",
};

export function header(look: Look): Tree {
  const { model } = look;
  const { status, lost } = model;
  return el(
    "header",
    null,
    el(
      "div",
      { class: "brand" },
      el("img", { src: "/page/icon.svg", alt: "", width: 28, height: 28 }),
      el(
        "h1",
        null,
        "Holdfast",
        status === undefined ? null : el("span", { class: "note" }, titleOf(status)),
      ),
    ),
    lost === undefined ? null : el("div", { role: "alert" }, failureNote(lost)),
    status === undefined ? null : health(look, status, lost !== undefined),
  );
}

function titleOf({ name, roles, network }: NodeStatus): string {
  return `${roles.includes(name as never) ? name : `${name}, ${roles.join(" and ")}`} on ${network}`;
}

/** What was heard last is not the state now: without a node the light is out. */
function health(look: Look, status: NodeStatus, isLost: boolean): Tree {
  const { light, reason, fix } = status.health;
  return el(
    "section",
    { class: `panel health ${isLost ? "quiet" : tones[light]}`, "aria-label": "Health" },
    el(
      "p",
      { class: "light", role: "status" },
      mark(isLost ? "quiet" : tones[light]),
      el("strong", null, isLost ? "Not known" : words[light]),
      el("span", null, isLost ? `last heard: ${reason}` : reason),
    ),
    fix === null || isLost ? null : el("p", { class: "fix" }, fix),
    facts(
      ["peers", plural(status.peers, "peer")],
      ["balance", status.balanceFil === null ? "–" : shortFil(status.balanceFil)],
      ["wallet", status.defaultAddress === null ? "no key" : idText(status.defaultAddress)],
      ["messages", `${plural(status.pendingMessages, "message")} waiting`],
      ["chain", status.syncState],
      ["up", roughly(status.uptimeMs)],
    ),
    el("div", { class: "commands" }, commandRow(look, commandLine(status.name, "status"))),
  );
}
