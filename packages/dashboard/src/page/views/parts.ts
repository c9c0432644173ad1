/**
 * What every part of the page is made of: a titled section, its command line, lights that do not speak by
 * colour alone, amounts, ids, bars. Views are pure: a model and actions in, a tree out.
 */

import type { Failure } from "../api.ts";
import type { ListName, Model } from "../model.ts";
import { filParts, shortFraction, shortId } from "../texts.ts";
import { type Children, el, type Tree } from "./element.ts";

export interface Actions {
  copy(text: string): void;
  /** Looks at a tipset of the strip; at the head without a key. */
  lookAt(key: string | undefined): void;
  openDeal(dealId: string | undefined): void;
  showAll(list: ListName): void;
  giveToken(text: string): void;
}

/** What a view is a function of. */
export interface Look {
  readonly model: Model;
  readonly actions: Actions;
}

export type Tone = "good" | "busy" | "warn" | "bad" | "quiet";

interface PanelOptions {
  readonly id: string;
  readonly title: string;
  /** Behind the title, quieter: a count. */
  readonly note?: string;
  readonly commands: readonly string[];
  readonly failure?: Failure | undefined;
}

/** A landmark with a heading; at its foot the command lines that give the same. */
export function panel(look: Look, options: PanelOptions, ...children: Children[]): Tree {
  const { id, title, note, commands, failure } = options;
  return el(
    "section",
    { class: "panel", id, "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, title, note === undefined ? null : el("span", { class: "note" }, note)),
    failure === undefined ? null : failureNote(failure),
    ...children,
    el(
      "div",
      { class: "commands" },
      commands.map((command) => commandRow(look, command)),
    ),
  );
}

/** A command line and the button that copies it. */
export function commandRow({ model, actions }: Look, command: string): Tree {
  const copied = model.copied === command;
  return el(
    "div",
    { class: "command", key: command },
    el("code", null, command),
    el(
      "button",
      { type: "button", "aria-label": `Copy: ${command}`, onClick: () => actions.copy(command) },
      copied ? "copied" : "copy",
    ),
  );
}

export function failureNote({ message, fix }: Pick<Failure, "message" | "fix">): Tree {
  return el("p", { class: "failure" }, mark("bad"), el("span", null, message, " ", el("em", null, fix)));
}

/** An empty list says how it is filled. */
export function emptyNote(...children: Children[]): Tree {
  return el("p", { class: "empty" }, ...children);
}

const shapes: { readonly [Of in Tone]: string } = {
  good: "M8 0a8 8 0 1 1 0 16A8 8 0 0 1 8 0zM4.3 8.2l2.7 2.7 4.9-5.1-1.4-1.3L7 8.2 5.7 6.9z",
  busy: "M8 0a8 8 0 1 1 0 16A8 8 0 0 1 8 0zm0 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm0 2v4h4a4 4 0 1 1-4-4z",
  warn: "M8 .5 16 15H0zM7.2 5.5v5h1.6v-5zm0 6v1.7h1.6v-1.7z",
  bad:
    "M4.7 0h6.6L16 4.7v6.6L11.3 16H4.7L0 11.3V4.7z" +
    "M5 3.6 3.6 5l3 3-3 3L5 12.4l3-3 3 3 1.4-1.4-3-3 3-3L11 3.6l-3 3z",
  quiet: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zm0 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
};

/** A disc with a tick, a pie, a triangle, an octagon with a cross, a ring: told apart without colour. */
export function mark(tone: Tone): Tree {
  return el(
    "svg",
    { class: `mark ${tone}`, viewBox: "0 0 16 16", "aria-hidden": "true" },
    el("path", { d: shapes[tone], "fill-rule": "evenodd" }),
  );
}

/** A state in a word, with its mark. */
export function chip(tone: Tone, text: string): Tree {
  return el("span", { class: `chip ${tone}` }, mark(tone), text);
}

/** Shortened; whole under the pointer and for a screen reader's spelling. */
export function idText(id: string): Tree {
  return el("code", { class: "id", title: id }, shortId(id));
}

/** Text that strangers chose: kept apart from what stands beside it, whatever its direction. */
export function strangersText(text: string): Tree {
  return el("bdi", null, text);
}

/** An exact amount, its decimals quieter. */
export function fil(amountFil: string): Tree {
  const { whole, fraction } = filParts(amountFil);
  return amount(amountFil, whole, fraction);
}

/** An amount at a glance; exact under the pointer. */
export function shortFil(amountFil: string): Tree {
  const parts = filParts(amountFil);
  return amount(amountFil, parts.whole, shortFraction(parts));
}

function amount(exact: string, whole: string, fraction: string): Tree {
  return el(
    "span",
    { class: "fil", title: `${exact} FIL` },
    whole,
    el("span", { class: "fraction" }, fraction),
    el("span", { class: "unit" }, "\u00a0FIL"),
  );
}

/** A share of a width, from 0 to 1; what is there is seen, however small. */
export function bar(fromRatio: number, lengthRatio: number, name: string): Tree {
  const least = lengthRatio > 0 ? 0.006 : 0;
  const length = Math.min(1, Math.max(least, lengthRatio));
  const from = Math.max(0, Math.min(fromRatio, 1 - length));
  return el(
    "svg",
    { class: `bar ${name}`, viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" },
    el("rect", { class: "whole", width: 100, height: 1 }),
    el("rect", { class: "part", x: rounded(from * 100), width: rounded(length * 100), height: 1 }),
  );
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** Names and values, in the order given. */
export function facts(...pairs: readonly (readonly [string, Children])[]): Tree {
  return el(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => el("div", { key: name }, el("dt", null, name), el("dd", null, value))),
  );
}

/** Rows that are shown before someone asks for all. */
export const shownRows = 8;

export function shownOf<Row>(model: Model, list: ListName, rows: readonly Row[]): readonly Row[] {
  return model.whole.includes(list) ? rows : rows.slice(0, shownRows);
}

export function moreButton({ model, actions }: Look, list: ListName, count: number): Tree | null {
  if (count <= shownRows || model.whole.includes(list)) return null;
  return el(
    "button",
    { type: "button", class: "more", onClick: () => actions.showAll(list) },
    `show all ${count}`,
  );
}

/** A table with titled columns; rows have keys of their own. */
export function listOf(titles: readonly string[], rows: readonly Children[]): Tree {
  return el(
    "table",
    { class: "list" },
    el(
      "thead",
      null,
      el(
        "tr",
        null,
        titles.map((title) => el("th", { scope: "col", key: title }, title)),
      ),
    ),
    el("tbody", null, rows),
  );
}
