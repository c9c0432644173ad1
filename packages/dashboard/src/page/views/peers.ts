/** The peers of this node, how far their chains were when they last said so, who is banned, and who can come in. */
import type { MethodResult } from "@holdfast/api/methods";
import { commandLine } from "../command-lines.ts";
import { numberText, plural } from "../texts.ts";
import { el, type Tree } from "./element.ts";
import { emptyNote, idText, type Look, listOf, mark, moreButton, panel, shownOf } from "./parts.ts";

type PeerView = MethodResult<"net.peers">[number];
type BanView = MethodResult<"net.bans">[number];
type NetStatus = MethodResult<"net.status">;

export function peers(look: Look): Tree {
  const { model } = look;
  const { value: all, failure } = model.parts.peers;
  const rows = all ?? [];
  const bans = model.parts.bans.value ?? [];
  const name = model.status?.name ?? "";
  return panel(
    look,
    {
      id: "peers",
      title: "Peers",
      commands: ["status", "peers", ...(bans.length > 0 ? ["bans"] : [])].map((word) =>
        commandLine(name, "net", word),
      ),
      failure,
      ...(all === undefined ? {} : { note: noteOf(rows.length, bans.length) }),
    },
    reachNote(model.parts.network.value),
    rows.length === 0
      ? emptyNote(all === undefined ? "Not asked yet." : "There is no peer: a node alone hears of no block.")
      : listOf(["peer", "score", "head it told", "address"], shownOf(model, "peers", rows).map(peerRow)),
    moreButton(look, "peers", rows.length),
    bans.length === 0
      ? null
      : listOf(["banned", "by", "until", "reason"], shownOf(model, "bans", bans).map(banRow)),
    moreButton(look, "bans", bans.length),
  );
}

function noteOf(peerCount: number, banCount: number): string {
  const known = plural(peerCount, "peer");
  return banCount === 0 ? known : `${known}, ${plural(banCount, "ban")}`;
}

/** Only what should be mended is worth a line. */
function reachNote(status: NetStatus | undefined): Tree | null {
  if (status?.reach !== "private") return null;
  const [first] = status.dialBacks;
  return el(
    "p",
    { class: "empty" },
    mark("warn"),
    " ",
    first === undefined
      ? "It listens nowhere: nobody can dial this node."
      : `${plural(status.dialBacks.length, "peer")} could not dial this node on port ${first.port}: forward that port ` +
          "on the router, and name the outer address in [net] announce of config.toml.",
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

function banRow({ subject, kind, by, untilMs, reason }: BanView): Tree {
  return el(
    "tr",
    { key: subject },
    el("td", null, kind === "peer" ? idText(subject) : subject),
    el("td", null, by),
    el(
      "td",
      null,
      untilMs === null ? "by hand" : new Date(untilMs).toISOString().slice(5, 16).replace("T", " "),
    ),
    el("td", { class: "address", title: reason }, reason),
  );
}
