/**
 * Folders on HTTP: a tar stream (POSIX ustar with pax headers), so that `tar` and `curl` speak with a node as the
 * command line does. Headers are the `tar` package's; contents pass by without being held. Invariants: an entry's
 * bytes are read before the next entry is given; only files, folders and symbolic links come through, and of a
 * header at most 64 KiB is believed.
 */
import { Header, Pax } from "tar";
import { apiErrors } from "./errors.ts";

export type FolderItem =
  | {
      readonly kind: "file";
      readonly path: readonly string[];
      readonly sizeBytes: number;
      readonly bytes: AsyncIterable<Uint8Array>;
    }
  | { readonly kind: "folder"; readonly path: readonly string[] }
  | { readonly kind: "symlink"; readonly path: readonly string[]; readonly target: string };

const blockBytes = 512;
/** A path or a link's target, with room for what other programs note beside them. */
const headerBytes = 65_536;

/** Errors `api/bad-folder`, also for a file that is shorter or longer than it was said to be; those of the items. */
export async function* folderToTar(
  items: AsyncIterable<FolderItem>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const item of items) {
    yield* headersOf(item);
    if (item.kind !== "file") continue;
    let left = item.sizeBytes;
    for await (const chunk of item.bytes) {
      left -= chunk.length;
      if (left < 0) break;
      yield chunk;
    }
    if (left !== 0) throw badFolder(item.path.join("/"), "its size has changed while it was read");
    if (paddingOf(item.sizeBytes) > 0) yield new Uint8Array(paddingOf(item.sizeBytes));
  }
  yield new Uint8Array(2 * blockBytes);
}

function headersOf(item: FolderItem): Uint8Array[] {
  const path = item.path.join("/");
  // The `tar` package reads pax headers line by line: what follows in a name would be a field of its own.
  if (/[\n\0]/.test(path)) throw badFolder(path, "its name holds the end of a line");
  if (item.kind === "symlink" && /[\n\0]/.test(item.target))
    throw badFolder(path, "the target of the link holds the end of a line");
  const type = { file: "File", folder: "Directory", symlink: "SymbolicLink" } as const;
  const fields = {
    path: item.kind === "folder" ? `${path}/` : path,
    type: type[item.kind],
    mode: item.kind === "folder" ? 0o755 : 0o644,
    size: item.kind === "file" ? item.sizeBytes : 0,
    ...(item.kind === "symlink" ? { linkpath: item.target } : {}),
  };
  const block = new Uint8Array(blockBytes);
  const needsPax = new Header(fields).encode(Buffer.from(block.buffer));
  const { path: name, size, linkpath } = fields;
  if (!needsPax) return [block];
  return [new Pax({ path: name, size, ...(linkpath === undefined ? {} : { linkpath }) }).encode(), block];
}

/** Error `api/bad-folder`, and those of the source. The bytes of an item are gone when the next is asked for. */
export async function* folderFromTar(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<FolderItem, void, undefined> {
  const input = new TarInput(source);
  try {
    let extra: Pax | undefined;
    for (;;) {
      const block = await input.take(blockBytes);
      const header = headerIn(block, extra);
      if (header.nullBlock) break; // two of them end a stream; what follows is padding of the program that made it
      const { type } = header;
      if (type === "ExtendedHeader" || isLongName(type)) {
        const text = await input.text(header.size ?? 0);
        if (type === "ExtendedHeader") extra = Pax.parse(text, extra);
        else extra = new Pax({ ...extra, [isLongName(type) ?? "path"]: text.replace(/\0.*$/s, "") });
        continue;
      }
      const pending = extra;
      extra = undefined;
      if (type === "GlobalExtendedHeader") await input.text(header.size ?? 0);
      else yield* itemOf(input, header, pending);
    }
    await input.drain();
  } finally {
    await input.close();
  }
}

/** Contents and headers fill whole blocks. */
function paddingOf(bytes: number): number {
  return (blockBytes - (bytes % blockBytes)) % blockBytes;
}

/** The headers of GNU tar that bring one long field of the next entry. */
function isLongName(type: string): "path" | "linkpath" | undefined {
  if (type === "NextFileHasLongPath" || type === "OldGnuLongPath") return "path";
  return type === "NextFileHasLongLinkpath" ? "linkpath" : undefined;
}

function headerIn(block: Uint8Array, extra: Pax | undefined): Header {
  let header: Header;
  try {
    header = new Header(Buffer.from(block), 0, extra);
  } catch (cause) {
    throw badFolder("the stream", "a header of it cannot be read", cause);
  }
  if (header.nullBlock || header.cksumValid) return header;
  throw badFolder("the stream", "it is no tar, or it is damaged");
}

/** What the pax header says goes before what the header has room for. */
async function* itemOf(
  input: TarInput,
  header: Header,
  extra: Pax | undefined,
): AsyncGenerator<FolderItem, void, undefined> {
  const { type, size = 0 } = header;
  const name = extra?.path ?? header.path ?? "";
  const target = extra?.linkpath ?? header.linkpath ?? "";
  const path = name.split("/").filter((part) => part !== "" && part !== ".");
  if (!Number.isSafeInteger(size) || size < 0) throw badFolder(name, "its size is no number");
  switch (type) {
    case "File":
    case "OldFile":
    case "ContiguousFile": {
      const body = { leftBytes: size };
      yield { kind: "file", path, sizeBytes: size, bytes: input.content(body) };
      for await (const _ of input.content(body)); // what the consumer has left
      await input.take(paddingOf(size));
      return;
    }
    case "Directory":
    case "GNUDumpDir":
      if (size !== 0) throw badFolder(name, "a folder has no bytes of its own");
      if (path.length > 0) yield { kind: "folder", path };
      return;
    case "SymbolicLink":
      if (size !== 0) throw badFolder(name, "a link has no bytes of its own");
      yield { kind: "symlink", path, target };
      return;
    default:
      throw badFolder(name, `it is no file, folder or symbolic link (${type})`);
  }
}

/** A stream of bytes that is taken in the lengths that its format asks for. */
class TarInput {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk = new Uint8Array(0);
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** At most a header. */
  async take(bytes: number): Promise<Uint8Array> {
    const taken = new Uint8Array(bytes);
    for (let at = 0; at < bytes; ) {
      const part = await this.#part(bytes - at);
      taken.set(part, at);
      at += part.length;
    }
    return taken;
  }
  async text(bytes: number): Promise<string> {
    if (bytes > headerBytes)
      throw badFolder("the stream", `a header of it is longer than ${headerBytes} bytes`);
    const padded = await this.take(bytes + paddingOf(bytes));
    return Buffer.from(padded.subarray(0, bytes)).toString("utf8");
  }
  async *content(body: { leftBytes: number }): AsyncGenerator<Uint8Array, void, undefined> {
    while (body.leftBytes > 0) {
      const part = await this.#part(body.leftBytes);
      body.leftBytes -= part.length;
      yield part;
    }
  }
  async drain(): Promise<void> {
    while (!this.#ended) this.#ended = (await this.#source.next()).done === true;
  }
  async close(): Promise<void> {
    if (!this.#ended) await this.#source.return?.();
  }

  async #part(mostBytes: number): Promise<Uint8Array> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) {
        this.#ended = true;
        throw badFolder("the stream", "it ends in the middle");
      }
      this.#chunk = new Uint8Array(next.value);
    }
    const part = this.#chunk.subarray(0, mostBytes);
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }
}

function badFolder(path: string, reason: string, cause?: unknown): Error {
  return apiErrors.badFolder({ path, reason }, cause);
}
