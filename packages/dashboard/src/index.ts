/**
 * The dashboard as files: what an API server has to show so that a browser can open the page. Nothing is
 * bundled. The page's modules, the four files of `base` that read and write units, and preact are served
 * as they lie on disk, and the import map in index.html says where each is found.
 */

export interface PageFile {
  /** Where the server shows it: `/` or below `/page/`. */
  readonly path: string;
  readonly file: URL;
}

const own = [
  "style.css",
  "icon.svg",
  "api.ts",
  "command-lines.ts",
  "live.ts",
  "model.ts",
  "pace.ts",
  "texts.ts",
  "token.ts",
  "views/chain.ts",
  "views/deals.ts",
  "views/element.ts",
  "views/gate.ts",
  "views/header.ts",
  "views/jobs.ts",
  "views/mine.ts",
  "views/money.ts",
  "views/page.ts",
  "views/parts.ts",
  "views/peers.ts",
  "views/puts.ts",
  "views/storage.ts",
  "views/track.ts",
];
const ofBase = ["human.ts", "human-errors.ts", "errors.ts", "units.ts"];

/** The page and everything that it loads. */
export const pageFiles: readonly PageFile[] = [
  { path: "/", file: new URL("./page/index.html", import.meta.url) },
  { path: "/page/main.ts", file: new URL("./page/main.ts", import.meta.url) },
  ...own.map((name) => ({ path: `/page/${name}`, file: new URL(`./page/${name}`, import.meta.url) })),
  ...ofBase.map((name) => ({
    path: `/page/base/${name}`,
    file: new URL(name, import.meta.resolve("@holdfast/base/human")),
  })),
  { path: "/page/preact.mjs", file: new URL(import.meta.resolve("preact")) },
];

/** The address of the page with the key to it: a fragment is never sent over the network. */
export function pageLink(apiUrl: string, token: string): string {
  return `${apiUrl}/#token=${encodeURIComponent(token)}`;
}
