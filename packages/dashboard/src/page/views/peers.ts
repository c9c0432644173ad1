/** The peers of this node, and how far their chains are. */
import type { MethodResult } from "@holdfast/api/methods";
import { commandLine } from "../command-lines.ts";
import { headHeight } from "../model.ts";
import { numberText, plural } from "../texts.ts";
import { el, type Tree } from "./element.ts";
import { emptyNote, idText, type Look, moreButton, panel, shownOf } from "./parts.ts";

type PeerView = MethodResult<"net.peers">[number];

export function peers(look: Look): Tree {
  const { model } = look;
  const { value: all, failure } = model.parts.peers;
  const rows = all ?? [];
  const head = headHeight(model);
  return panel(
    look,
    {
      id: "peers",
      title: "Peers",
      commands: [commandLine(model.status?.name ?? "", "net", "peers")],
      failure,
      ...(all === undefined ? {} : { note: plural(rows.length, "peer") }),
    },
    rows.length === 0
      ? emptyNote(all === undefined ? "Not asked yet." : "There is no peer: a node alone hears of no block.")
      : el(
          "table",
          { class: "list" },
          el(
            "thead",
            null,
            el(
              "tr",
              null,
              ["peer", "head", "address"].map((title) => el("th", { scope: "col", key: title }, title)),
            ),
          ),
          el(
            "tbody",
            null,
            shownOf(model, "peers", rows).map((peer) => peerRow(peer, head)),
          ),
        ),
    moreButton(look, "peers", rows.length),
  );
}

function peerRow({ peerId, addresses, direction, headHeight: height }: PeerView, head: number): Tree {
  const behind = height === null ? 0 : head - height;
  return el(
    "tr",
    { key: peerId },
    el("td", null, idText(peerId)),
    el(
      "td",
      null,
      height === null ? "–" : numberText(height),
      behind > 1 ? el("span", { class: "note" }, ` ${behind}\u00a0behind`) : null,
    ),
    el("td", { class: "address", title: addresses.join("\n") }, addresses[0] ?? direction),
  );
}
