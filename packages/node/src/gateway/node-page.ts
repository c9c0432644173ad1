/** A node with links as a page: its value, and where its links lead. Bounded in depth and length; no script. */
import { byteCount, formatBytes, toHex } from "@holdfast/base";
import { isList, isMap, linkOf, type NodeValue } from "../ipld-nodes.ts";
import { limits } from "../limits.ts";
import { escaped, pageOf } from "./listing.ts";

/** Part of the page's version in caches: change it with the page. */
export const nodePageVersion = "1";

export interface ShownNode {
  readonly cid: string;
  readonly codec: string;
  readonly sizeBytes: number;
  /** Undefined if the block is not what its codec says. */
  readonly value: NodeValue | undefined;
}

/** Lists and maps in each other that are shown. */
const mostDepth = 64;
const mostBytesShown = 64;

export function nodePage({ cid, codec, sizeBytes, value }: ShownNode): string {
  const forms = [codec, "raw", "car"].map(
    (form) => `<a href="/ipfs/${escaped(cid)}?format=${form}">${form}</a>`,
  );
  const shown = new Lines();
  if (value === undefined) shown.add("this block is not what its codec says");
  else show(value, "", shown);
  return pageOf(
    `/ipfs/${cid}`,
    `<h1>${escaped(cid)}</h1><p>${escaped(codec)}, ${escaped(formatBytes(byteCount(sizeBytes)))}; ` +
      `${forms.join(" ")}</p><pre>${shown.text()}</pre>`,
  );
}

/** Text until there is enough of it. */
class Lines {
  readonly #parts: string[] = [];
  #length = 0;

  get isFull(): boolean {
    return this.#length > limits.gatewayShownNode;
  }
  add(html: string): void {
    if (this.isFull) return;
    this.#parts.push(html);
    this.#length += html.length;
  }
  text(): string {
    return this.#parts.join("") + (this.isFull ? "\n…" : "");
  }
}

function show(value: NodeValue, indent: string, lines: Lines): void {
  if (lines.isFull) return;
  const link = linkOf(value)?.toString();
  if (link !== undefined) lines.add(`<a href="/ipfs/${escaped(link)}">${escaped(link)}</a>`);
  else if (value instanceof Uint8Array) {
    const rest = value.length > mostBytesShown ? "…" : "";
    lines.add(`0x${toHex(value.subarray(0, mostBytesShown))}${rest} (${value.length} bytes)`);
  } else if (isList(value)) showParts(value.entries(), "[]", indent, lines);
  else if (isMap(value)) showParts(Object.entries(value), "{}", indent, lines);
  else lines.add(escaped(typeof value === "string" ? JSON.stringify(value) : String(value)));
}

function showParts(
  parts: Iterable<readonly [string | number, NodeValue]>,
  brackets: string,
  indent: string,
  lines: Lines,
): void {
  const [open = "", close = ""] = brackets;
  const inner = `${indent}  `;
  lines.add(open);
  for (const [name, part] of parts) {
    if (lines.isFull) return;
    lines.add(`\n${inner}${escaped(JSON.stringify(name))}: `);
    if (inner.length > 2 * mostDepth) lines.add("…");
    else show(part, inner, lines);
  }
  lines.add(`\n${indent}${close}`);
}
