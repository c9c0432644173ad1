/** A folder as a page: names, sizes, nothing that needs a script. */
import { byteCount, type CID, formatBytes } from "@holdfast/base";

/** Part of the page's version in caches: change it with the page. */
export const listingVersion = "2";

export interface ListedEntry {
  readonly name: string;
  readonly cid: CID;
  readonly sizeBytes: number | null;
}

export interface Listing {
  /** `/ipfs/CID` and the names below it, as a person reads them. */
  readonly names: readonly string[];
  readonly cid: string;
  readonly entries: readonly ListedEntry[];
  /** There are more than are shown. */
  readonly isCut: boolean;
}

const style =
  "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:56rem;padding:0 1rem;color:#1c2326;background:#fff}" +
  "h1{font-size:1.1rem;word-break:break-all}code{color:#5a6a70;word-break:break-all}" +
  "table{border-collapse:collapse;width:100%}td{border-top:1px solid #e2e7e9;padding:.3rem .5rem .3rem 0}" +
  "td+td{text-align:right;white-space:nowrap;color:#5a6a70}pre{overflow-x:auto}.cid{font-family:monospace}a{color:#0a6070;text-decoration:none}a:hover{text-decoration:underline}" +
  "@media(prefers-color-scheme:dark){body{background:#14191b;color:#dfe6e8}td{border-color:#2a3336}a{color:#6fc3d4}}";

export function listingPage({ names, cid, entries, isCut }: Listing): string {
  const up = names.length > 1 ? `<tr><td><a href="../">..</a></td><td></td><td></td></tr>` : "";
  const rows = entries.map(({ name, cid: at, sizeBytes }) => {
    // A colon in a first name would be read as the name of a protocol.
    const link = `./${encodeURIComponent(name)}`;
    const size = sizeBytes === null ? "" : formatBytes(byteCount(sizeBytes));
    return (
      `<tr><td><a href="${escaped(link)}">${escaped(name)}</a></td><td>${blockLink(at.toString(), name)}</td>` +
      `<td>${escaped(size)}</td></tr>`
    );
  });
  const more = isCut ? `<p>There are more entries than this page shows.</p>` : "";
  return pageOf(
    `/ipfs/${names.join("/")}`,
    `<h1>Index of /ipfs/${wayOf(names)}</h1><p><code>${escaped(cid)}</code></p>` +
      `<table>${up}${rows.join("")}</table>${more}`,
  );
}

/** Each name leads to what it stands for. */
function wayOf(names: readonly string[]): string {
  const links = names.map((name, index) => {
    const path = names
      .slice(0, index + 1)
      .map(encodeURIComponent)
      .join("/");
    return `<a href="/ipfs/${escaped(path)}">${escaped(name)}</a>`;
  });
  return links.join("/");
}

/** An address that stays when the folder changes. */
function blockLink(cid: string, name: string): string {
  const short = `${cid.slice(0, 6)}…${cid.slice(-6)}`;
  const href = `/ipfs/${cid}?filename=${encodeURIComponent(name)}`;
  return `<a class="cid" title="${escaped(cid)}" href="${escaped(href)}">${escaped(short)}</a>`;
}

/** The frame of all pages. */
export function pageOf(title: string, body: string): string {
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>` +
    `<meta name="viewport" content="width=device-width"><style>${style}</style></head>` +
    `<body>${body}</body></html>\n`
  );
}

export function escaped(text: string): string {
  const marks: { readonly [character: string]: string } = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => marks[character] ?? "");
}
