/** For a node that mines: the disks and buckets where its sectors lie, and whom it takes deals from. */

import { commandLine } from "../command-lines.ts";
import type { DealPolicy, VolumeView } from "../model.ts";
import { plural, roughly, sizeText } from "../texts.ts";
import { el, type Tree } from "./element.ts";
import {
  bar,
  chip,
  emptyNote,
  facts,
  type Look,
  listOf,
  moreButton,
  panel,
  shownOf,
  strangersText,
  type Tone,
} from "./parts.ts";

function stateOf({ isHere, isWritable, mode }: VolumeView): readonly [Tone, string] {
  if (!isHere) return ["bad", "away"];
  if (!isWritable) return ["warn", "takes no writes"];
  if (mode === "open") return ["good", "open"];
  return mode === "draining" ? ["busy", "draining"] : ["quiet", "read only"];
}

/** Those that need someone first. */
const urgency = ({ isHere, isWritable, mode }: VolumeView): number =>
  !isHere ? 3 : !isWritable ? 2 : mode === "draining" ? 1 : 0;

export function volumes(look: Look): Tree {
  const { model } = look;
  const { value, failure } = model.parts.volumes;
  const rows = (value?.volumes ?? []).toSorted(
    (one, other) => urgency(other) - urgency(one) || one.volumeId - other.volumeId,
  );
  return panel(
    look,
    {
      id: "volumes",
      title: "Disks",
      commands: [commandLine(model.status?.name ?? "", "storage", "ls")],
      failure,
      ...(value === undefined ? {} : { note: plural(rows.length, "volume") }),
    },
    rows.length === 0
      ? emptyNote("Not asked yet.")
      : listOf(["disk", "for", "used", "state"], shownOf(model, "volumes", rows).map(volumeRow)),
    moreButton(look, "volumes", rows.length),
  );
}

function volumeRow(volume: VolumeView): Tree {
  const { volumeId, place, roles, usedBytes, reservedBytes, freeBytes, maxBytes, files, reason } = volume;
  const room = maxBytes ?? (freeBytes === null ? null : usedBytes + freeBytes);
  const [tone, word] = stateOf(volume);
  return el(
    "tr",
    { key: volumeId },
    el("td", null, `${volumeId} `, strangersText(place)),
    el("td", null, roles.join(", ") || "nothing new"),
    el(
      "td",
      { title: `${plural(files, "file")}, ${sizeText(reservedBytes)} promised to sectors` },
      `${sizeText(usedBytes)}${room === null ? "" : ` of ${sizeText(room)}`}`,
      room === null || room === 0 ? null : bar(0, usedBytes / room, "space"),
    ),
    el("td", null, chip(tone, word), reason === null ? null : el("div", { class: "note" }, reason)),
  );
}

export function policy(look: Look): Tree {
  const { model } = look;
  const { value, failure } = model.parts.policy;
  return panel(
    look,
    {
      id: "policy",
      title: "Deals it takes",
      commands: [commandLine(model.status?.name ?? "", "deal", "policy")],
      failure,
    },
    value === undefined ? emptyNote("Not asked yet.") : rules(value),
  );
}

function rules(value: DealPolicy): Tree {
  const { open, minForMs, maxForMs, allow, deny, verified, verifiedOnly, verifiedPercent } = value;
  const yes = (may: boolean): string => (may ? "yes" : "no");
  const bound = (ms: number | null): string => (ms === null ? "the network's" : roughly(ms));
  return facts(
    ["new deals", open ? chip("good", "open") : chip("warn", "closed")],
    ["clients", whom(allow.length, deny.length, verifiedOnly)],
    ["known clients", `${plural(verified.length, "client")}, ${verifiedPercent} % of the ask`],
    ["shortest", bound(minForMs)],
    ["longest", bound(maxForMs)],
    ["may live longer", yes(value.extend)],
    ["may end early", yes(value.release)],
    ["the same file twice", yes(value.duplicates)],
  );
}

function whom(allowed: number, denied: number, verifiedOnly: boolean): string {
  const who = verifiedOnly ? "clients it knows" : allowed > 0 ? plural(allowed, "client") : "everybody";
  return denied === 0 ? who : `${who}, but not ${plural(denied, "client")}`;
}
