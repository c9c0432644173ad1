/**
 * The few answers of a server for buckets that are XML. They are asked for with encoded keys, so no name in them needs
 * the language's own escapes; what we look for is found by its element, and everything else is skipped.
 */
export interface Listing {
  readonly objects: readonly { readonly key: string; readonly sizeBytes: number }[];
  /** Common prefixes, each with its slash at the end. */
  readonly folders: readonly string[];
  /** Where the rest begins; undefined: this is all. */
  readonly next: string | undefined;
}

export function parseListing(xml: string): Listing {
  const objects = elements(xml, "Contents").map((inner) => ({
    key: decoded(element(inner, "Key") ?? ""),
    sizeBytes: Number(element(inner, "Size") ?? Number.NaN),
  }));
  const folders = elements(xml, "CommonPrefixes").map((inner) => decoded(element(inner, "Prefix") ?? ""));
  const isCut = element(xml, "IsTruncated") === "true";
  const token = element(xml, "NextContinuationToken");
  return { objects, folders, next: isCut && token !== undefined ? unescaped(token) : undefined };
}

/** The text of the first element of a name. */
export function element(xml: string, name: string): string | undefined {
  return elements(xml, name)[0];
}

function elements(xml: string, name: string): string[] {
  const found: string[] = [];
  const [open, close] = [`<${name}>`, `</${name}>`];
  for (let at = xml.indexOf(open); at >= 0; at = xml.indexOf(open, at)) {
    const end = xml.indexOf(close, at);
    if (end < 0) break;
    found.push(xml.slice(at + open.length, end));
    at = end;
  }
  return found;
}

function decoded(text: string): string {
  return decodeURIComponent(unescaped(text).replaceAll("+", "%20"));
}

export function unescaped(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#34;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}

export function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
