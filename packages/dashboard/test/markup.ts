/**
 * A tree of views as text, the way a browser would spell it: tags, attributes, escaped text. Listeners are
 * kept aside, so that a test can press what a person would press.
 */
import type { Model } from "@holdfast/dashboard/page";
import { type Actions, page } from "@holdfast/dashboard/page";

interface Node {
  readonly type: string;
  readonly props: Readonly<Record<string, unknown>>;
}

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly text: string;
}

const silent: Actions = {
  copy() {},
  lookAt() {},
  openDeal() {},
  showAll() {},
  giveToken() {},
};

export interface Shown {
  readonly html: string;
  /** What is read, without tags. */
  readonly text: string;
  readonly elements: readonly Element[];
}

export function show(model: Model, actions: Partial<Actions> = {}): Shown {
  const elements: Element[] = [];
  const { html, text } = write(page(model, { ...silent, ...actions }), elements);
  return { html, text, elements };
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

const blocks = new Set(["p", "div", "li", "h1", "h2", "h3", "dt", "dd", "td", "th", "tr", "button"]);

function write(node: unknown, elements: Element[]): { html: string; text: string } {
  if (node === null || node === undefined || typeof node === "boolean") return { html: "", text: "" };
  if (Array.isArray(node)) return join(node.map((child) => write(child, elements)));
  if (typeof node !== "object") return { html: escaped(String(node)), text: String(node) };
  const { type, props } = node as Node;
  const { children, ...attributes } = props;
  const inner = write(children, elements);
  elements.push({ name: type, attributes, text: inner.text });
  const spelled = Object.entries(attributes)
    .filter(([, value]) => typeof value !== "function" && value !== undefined && value !== false)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`);
  return {
    html: `<${type}${spelled.join("")}>${inner.html}</${type}>`,
    text: blocks.has(type) ? `${inner.text}\n` : inner.text,
  };
}

function join(parts: readonly { html: string; text: string }[]): { html: string; text: string } {
  return { html: parts.map(({ html }) => html).join(""), text: parts.map(({ text }) => text).join("") };
}
