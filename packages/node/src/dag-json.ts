/**
 * DAG-JSON of others, read strictly: no name of a map twice, nothing deeper than a CBOR node may be, and no map that
 * looks like a link or bytes without being one, so that everybody who reads a block finds the same links in it.
 * Order of names and white space are taken as they come: only whoever writes must sort. https://ipld.io/specs/codecs/dag-json
 */
import { type CborValue, CID, parseCid, utf8Text } from "@holdfast/base";

/** What a CBOR node may have of these. */
const mostDepth = 128;
const [leastInteger, mostInteger] = [-(2n ** 63n), 2n ** 64n - 1n];

const spaces = /[ \t\n\r]*/y;
/** To the quotation mark that ends it: what is in between, JSON.parse judges. */
const texts = /"(?:[^"\\]|\\.)*"/y;
const words = /true|false|null/y;
const numbers = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const base64Text = /^[A-Za-z0-9+/]*$/;

/** Throws SyntaxError, and what base says of malformed text and CIDs. */
export function decodeDagJson(bytes: Uint8Array): CborValue {
  const reader = new Reader(utf8Text(bytes));
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  end(): void {
    this.#match(spaces);
    if (this.#at < this.#text.length) throw this.#wrong("something after the end");
  }

  value(depth: number): CborValue {
    if (depth > mostDepth) throw this.#wrong("it is too deep");
    this.#match(spaces);
    switch (this.#text[this.#at]) {
      case "{":
        return this.#map(depth);
      case "[":
        return this.#list(depth);
      case '"':
        return this.#string();
      case "t":
      case "f":
      case "n":
        return JSON.parse(this.#needed(words)) as boolean | null;
      default:
        return this.#number();
    }
  }

  #list(depth: number): CborValue {
    const parts: CborValue[] = [];
    this.#parts("]", () => parts.push(this.value(depth + 1)));
    return parts;
  }

  #map(depth: number): CborValue {
    const parts = new Map<string, CborValue>();
    this.#parts("}", () => {
      this.#match(spaces);
      const name = this.#string();
      if (parts.has(name)) throw this.#wrong(`${JSON.stringify(name)} is there twice`);
      this.#match(spaces);
      this.#take(":");
      parts.set(name, this.value(depth + 1));
    });
    return this.#meant(parts);
  }

  /** A map whose first name is "/" is a link, bytes, or nothing that may be there. */
  #meant(parts: ReadonlyMap<string, CborValue>): CborValue {
    const [first] = parts;
    if (first?.[0] === "/") {
      const [, value] = first;
      if (typeof value === "string") {
        if (parts.size > 1) throw this.#wrong("a link with something beside it");
        return parseCid(value);
      }
      const text = bytesText(value);
      if (text !== undefined) {
        if (parts.size > 1 || text === null) throw this.#wrong("bytes with something beside them");
        return this.#bytes(text);
      }
    }
    return Object.fromEntries(parts); // a name like __proto__ is a name
  }

  #bytes(text: string): Uint8Array {
    const bytes = Buffer.from(text, "base64");
    if (!base64Text.test(text) || bytes.toString("base64").replace(/=+$/, "") !== text)
      throw this.#wrong("bytes that are not base64");
    return new Uint8Array(bytes);
  }

  #parts(close: string, part: () => void): void {
    this.#at += 1;
    this.#match(spaces);
    if (this.#text[this.#at] === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      part();
      this.#match(spaces);
      if (this.#text[this.#at] === close) break;
      this.#take(",");
    }
    this.#at += 1;
  }

  #string(): string {
    return JSON.parse(this.#needed(texts)) as string;
  }

  #number(): number | bigint {
    const text = this.#needed(numbers);
    const value = Number(text);
    if (/[.eE]/.test(text)) {
      if (!Number.isFinite(value)) throw this.#wrong("a number that is too large");
      return value;
    }
    if (Number.isSafeInteger(value)) return value;
    const whole = BigInt(text);
    if (whole < leastInteger || whole > mostInteger) throw this.#wrong("a number that is too large");
    return whole;
  }

  #take(mark: string): void {
    if (this.#text[this.#at] !== mark) throw this.#wrong(`no ${mark}`);
    this.#at += 1;
  }
  #needed(pattern: RegExp): string {
    const found = this.#match(pattern);
    if (found === undefined) throw this.#wrong("something else");
    return found;
  }
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    this.#at += found?.length ?? 0;
    return found;
  }
  #wrong(what: string): SyntaxError {
    return new SyntaxError(`no DAG-JSON at ${this.#at}: ${what}`);
  }
}

/** Undefined: a map like any other. Null: not only bytes. */
function bytesText(value: CborValue): string | null | undefined {
  const isMap =
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof CID);
  if (!isMap || value instanceof Uint8Array || !Object.hasOwn(value, "bytes")) return undefined;
  const { bytes } = value as { readonly bytes: CborValue };
  if (typeof bytes !== "string") return undefined;
  return Object.keys(value).length === 1 ? bytes : null;
}
