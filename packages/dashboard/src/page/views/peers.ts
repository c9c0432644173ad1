/** The peers of this node, and how far their chains were when they last said so. */
import type { MethodResult } from "@holdfast/api/methods";
import { commandLine } from "../command-lines.ts";
import { numberText, plural } from "../texts.ts";
import { el, type Tree } from "./element.ts";
import { emptyNote, idText, type Look, moreButton, panel, shownOf } from "./parts.ts";

type PeerView = MethodResult<"net.peers">[number];

export function peers(look: Look): Tree {
  const { model } = look;
  const { value: all, failure } = model.parts.peers;
  const rows = all ?? [];
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
              ["peer", "score", "head it told", "address"].map((title) =>
                el("th", { scope: "col", key: title }, title),
              ),
            ),
          ),
          el(
            "tbody",
            null,
            shownOf(model, "peers", rows).map((peer) => peerRow(peer)),
          ),
        ),
    moreButton(look, "peers", rows.length),
  );
}

function peerRow({ peerId, addresses, direction, headHeight, score }: PeerView): Tree {
  return el(
    "tr",
    { key: peerId },
    el("td", null, idText(peerId)),
    el("td", null, score === null ? "–" : numberText(score)),
    el("td", null, headHeight === null ? "–" : numberText(headHeight)),
    el("td", { class: "address", title: addresses.join("\n") }, addresses[0] ?? direction),
  );
}
