/** What answers are made of: headers of the specifications (path and trustless gateway), and when none is needed. */
import type { CID } from "@holdfast/base";
import type { ContentRequest } from "./request.ts";

export interface Answer {
  readonly status: number;
  readonly headers: HeaderValues;
  /** Read only if the caller wants the bytes. */
  readonly body?: AsyncIterable<Uint8Array>;
}

export interface HeaderValues {
  readonly [name: string]: string;
}

export interface Asked {
  readonly request: ContentRequest;
  /** The headers that matter: `range`, `if-range`, `if-none-match`, `service-worker`. */
  header(name: string): string;
}

export const forEver: HeaderValues = { "cache-control": "public, max-age=29030400, immutable" };
/** Pages are this program's, not the content's: caches ask again. */
export const forAWeek: HeaderValues = {
  "cache-control": "public, max-age=604800, stale-while-revalidate=2678400",
};
export const unguessed: HeaderValues = { "x-content-type-options": "nosniff" };

/** Whether the caller has it already (RFC 9110, section 13.1.2: compared weakly). */
export function isKnown({ header }: Asked, etag: string): boolean {
  const given = header("if-none-match");
  if (given.trim() === "*") return true;
  const bare = (tag: string): string => tag.trim().replace(/^W\//, "");
  return given.split(",").some((tag) => bare(tag) === bare(etag) && bare(tag) !== "");
}

/** A page that this program wrote. */
export function htmlAnswer(html: string, etag: string, shown: HeaderValues): Answer {
  const page = Buffer.from(html);
  return {
    status: 200,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-length": String(page.length),
      ...forAWeek,
      etag,
      ...unguessed,
      ...shown,
    },
    body: once(page),
  };
}

export function notModified(etag: string, caching: HeaderValues = forEver): Answer {
  return { status: 304, headers: { etag, ...caching } };
}

/** `filename*` where the name is not plain ASCII (RFC 6266). */
export function disposition(kind: "inline" | "attachment", name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\]/g, "_");
  const wide =
    ascii === name ? "" : `; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, hexOf)}`;
  return `${kind}; filename="${ascii}"${wide}`;
}
const hexOf = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;

export function located({ location }: ContentRequest): HeaderValues {
  return location === undefined ? {} : { "content-location": location };
}

/** Where the content was asked for, and the CID at each name of the way. */
export function shownOf(
  { rootText, path, isFolderPath }: ContentRequest,
  roots: readonly CID[],
): HeaderValues {
  const names = [rootText, ...path.map(encodeURIComponent)].join("/");
  return {
    "x-ipfs-path": `/ipfs/${names}${isFolderPath ? "/" : ""}`,
    "x-ipfs-roots": roots.map(String).join(","),
  };
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
