/**
 * The chain as a strip of its last tipsets, newest on the right: as wide as it has blocks, filled by its
 * messages, with a gap where rounds went without a block. One stop of the Tab key; arrows move inside.
 */

import { commandLine } from "../command-lines.ts";
import type { Tipset } from "../model.ts";
import { numberText, plural, roughly, shortId } from "../texts.ts";
import { el, type Tree } from "./element.ts";
import { commandRow, emptyNote, facts, idText, type Look, panel } from "./parts.ts";

export function chain(look: Look): Tree {
  const { model } = look;
  const name = model.status?.name ?? "";
  const { value: newestFirst = [], failure } = model.parts.tipsets;
  const head = newestFirst[0];
  const shown = newestFirst.find(({ key }) => key === model.tipsetKey) ?? head;
  return panel(
    look,
    {
      id: "chain",
      title: "Chain",
      commands: [commandLine(name, "chain", "ls"), commandLine(name, "chain", "watch")],
      failure,
      ...(head === undefined ? {} : { note: `height ${numberText(head.height)}` }),
    },
    head === undefined || shown === undefined
      ? emptyNote("No tipset is known yet.")
      : [strip(look, newestFirst, shown), detail(look, newestFirst, shown)],
  );
}

function strip(look: Look, newestFirst: readonly Tipset[], shown: Tipset): Tree {
  const { actions } = look;
  const oldestFirst = newestFirst.toReversed();
  const move = (by: number): void => {
    const at = oldestFirst.findIndex(({ key }) => key === shown.key) + by;
    actions.lookAt(oldestFirst[Math.max(0, Math.min(at, oldestFirst.length - 1))]?.key);
  };
  return el(
    "div",
    {
      class: "strip",
      role: "listbox",
      key: "strip",
      "aria-label": "The last tipsets, oldest first",
      "aria-orientation": "horizontal",
      "aria-activedescendant": cellId(shown),
      tabIndex: 0,
      onMouseLeave: () => actions.lookAt(undefined),
      onBlur: () => actions.lookAt(undefined),
      onKeyDown: (event: KeyPress) => {
        const by = strides[event.key];
        if (by === undefined) return;
        event.preventDefault();
        move(by);
      },
    },
    oldestFirst.flatMap((tipset, index) => {
      const before = oldestFirst[index - 1];
      const missed = before === undefined ? 0 : tipset.height - before.height - 1;
      return missed > 0 ? [gap(tipset, missed), cell(look, tipset, shown)] : [cell(look, tipset, shown)];
    }),
  );
}

interface KeyPress {
  readonly key: string;
  preventDefault(): void;
}

const strides: { readonly [key: string]: number } = {
  ArrowLeft: -1,
  ArrowRight: 1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

const cellId = ({ height }: Tipset): string => `tipset-${height}`;
const widest = 5;

function cell({ actions }: Look, tipset: Tipset, shown: Tipset): Tree {
  const isShown = tipset.key === shown.key;
  return el(
    "div",
    {
      class: `cell wide-${Math.min(tipset.cids.length, widest)}`,
      id: cellId(tipset),
      key: tipset.key,
      role: "option",
      "aria-selected": isShown ? "true" : "false",
      "aria-label": cellLabel(tipset),
      onMouseEnter: () => actions.lookAt(tipset.key),
      onClick: () => actions.lookAt(tipset.key),
    },
    fill(tipset),
  );
}

/** Full at 64 messages; the first one is seen. */
function fill({ messages }: Tipset): Tree {
  const height = messages === 0 ? 0 : Math.min(1, 0.2 + Math.log2(messages) / 7.5);
  return el(
    "svg",
    { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" },
    el("rect", { width: 1, height, y: 1 - height }),
  );
}

function cellLabel({ height, cids, miners, messages }: Tipset): string {
  const by = [...new Set(miners)].map(shortId).join(", ");
  return `height ${height}, ${plural(cids.length, "block")} by ${by}, ${plural(messages, "message")}`;
}

function gap({ key }: Tipset, missed: number): Tree {
  const title = `${plural(missed, "round")} without a block`;
  return el("div", { class: "gap", key: `before ${key}`, title, "aria-hidden": "true" });
}

function detail(look: Look, newestFirst: readonly Tipset[], shown: Tipset): Tree {
  const { model } = look;
  const below = newestFirst[newestFirst.indexOf(shown) + 1];
  const first = shown.cids[0];
  return el(
    "div",
    { class: "detail", key: "detail" },
    facts(
      ["height", numberText(shown.height)],
      ["blocks", `${shown.cids.length}`],
      ["by", [...new Set(shown.miners)].flatMap((miner, index) => [index === 0 ? "" : " ", idText(miner)])],
      ["messages", `${shown.messages}`],
      ["after", below === undefined ? "–" : roughly(shown.timestampMs - below.timestampMs)],
    ),
    first === undefined || model.status === undefined
      ? null
      : commandRow(look, commandLine(model.status.name, "chain", "show", first)),
  );
}
