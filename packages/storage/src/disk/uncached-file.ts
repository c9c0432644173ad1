/**
 * An open file whose large parts go past the system's cache of files. For what is written once and not soon read, the
 * cache costs more than the disk: each page is found, cleared, filled, written out and let go.
 * The disk takes whole blocks, out of memory that begins at one, so they go through a room of such memory; what is cut
 * off a part at its ends goes the ordinary way. Where the system or its disk knows no such way, or no longer, all of it
 * does.
 * Invariant: writes happen one after the other, so that no block is on both ways at a time; the system takes out of its
 * cache what is written past it, and writes first what is read past it (open(2), "O_DIRECT").
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { DiskFile } from "@holdfast/base";
import { uncachedLimits } from "./limits.ts";
import type { OpenFile } from "./open-file.ts";
import { guarded, systemCode } from "./system-errors.ts";

const { blockBytes, roomBytes, keptRooms, leastBytes } = uncachedLimits;

/** A file that takes whole blocks only. */
export type DirectHandle = Pick<FileHandle, "read" | "write" | "close">;
/** Opens once more, for blocks, what is open already; undefined: there is no such way to it. */
export type OpenDirect = (descriptor: number, isWritable: boolean) => Promise<DirectHandle | undefined>;

/** Not by its name, which may lead to another file by now. */
export async function openDirect(descriptor: number, isWritable: boolean): Promise<DirectHandle | undefined> {
  const direct: number | undefined = constants.O_DIRECT;
  if (process.platform !== "linux" || direct === undefined) return undefined;
  try {
    const flags = direct | (isWritable ? constants.O_RDWR : constants.O_RDONLY);
    return await open(`/proc/self/fd/${descriptor}`, flags);
  } catch {
    return undefined; // whatever is in the way of this way is not in that of the other
  }
}

/** What a file system says that opens a file so and then does not take blocks, or wants other ones. */
const refusals = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

const rooms: Uint8Array[] = [];

/** Memory that begins at a block: what may be resized is mapped by the engine, and so begins at a page. */
function takeRoom(): Uint8Array {
  return rooms.pop() ?? new Uint8Array(new ArrayBuffer(roomBytes, { maxByteLength: roomBytes }));
}

function giveBackRoom(room: Uint8Array): void {
  if (rooms.length < keptRooms) rooms.push(room);
}

export class UncachedFile implements DiskFile {
  readonly #path: string;
  readonly #file: OpenFile;
  readonly #opened: DirectHandle | undefined;
  /** Undefined once it was refused. */
  #direct: DirectHandle | undefined;
  /** Fulfilled when what is asked for up to now has changed the file. */
  #changed: Promise<void> = Promise.resolve();

  constructor(relative: string, file: OpenFile, direct: DirectHandle | undefined) {
    this.#path = relative;
    this.#file = file;
    this.#opened = direct;
    this.#direct = direct;
  }

  async readAt(offsetBytes: number, lengthBytes: number, room?: Uint8Array): Promise<Uint8Array> {
    this.#file.ensureOpen();
    if (lengthBytes < leastBytes) return await this.#file.readAt(offsetBytes, lengthBytes, room);
    const lent = room !== undefined && room.length >= lengthBytes ? room : new Uint8Array(lengthBytes);
    const bytes = lent.subarray(0, lengthBytes);
    const done = await this.#tried("reading", (direct) => this.#readBlocks(direct, offsetBytes, bytes));
    if (done === lengthBytes) return bytes;
    const place = bytes.subarray(done);
    const rest = await this.#file.readAt(offsetBytes + done, place.length, place);
    return bytes.subarray(0, done + rest.length);
  }

  async writeAt(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    await this.#change(() => this.#write(offsetBytes, bytes));
  }

  async sizeBytes(): Promise<number> {
    return await this.#file.sizeBytes();
  }

  async truncate(lengthBytes: number): Promise<void> {
    await this.#change(() => this.#file.truncate(lengthBytes));
  }

  /** Of the file, whatever way its bytes went. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#file[Symbol.asyncDispose]();
    } finally {
      await this.#changed;
      await guarded("closing", this.#path, async () => await this.#opened?.close());
    }
  }

  async #change(work: () => Promise<void>): Promise<void> {
    const change = this.#changed.then(work);
    this.#changed = change.catch(() => undefined);
    await change;
  }

  async #write(offset: number, bytes: Uint8Array): Promise<void> {
    this.#file.ensureWritable();
    const head = (blockBytes - (offset % blockBytes)) % blockBytes;
    const blocks = Math.floor((bytes.length - head) / blockBytes) * blockBytes;
    if (blocks < leastBytes || this.#direct === undefined) return await this.#file.writeAt(offset, bytes);
    if (head > 0) await this.#file.writeAt(offset, bytes.subarray(0, head));
    const middle = bytes.subarray(head, head + blocks);
    const done = head + (await this.#tried("writing", (to) => this.#writeBlocks(to, offset + head, middle)));
    if (done < bytes.length) await this.#file.writeAt(offset + done, bytes.subarray(done));
  }

  /** How many bytes went by blocks, from the first on; the others are to go the ordinary way. */
  async #tried(
    operation: string,
    work: (direct: DirectHandle) => AsyncGenerator<number, void, undefined>,
  ): Promise<number> {
    const direct = this.#direct;
    let done = 0;
    if (direct === undefined) return done;
    await guarded(operation, this.#path, async () => {
      try {
        for await (const more of work(direct)) done += more;
      } catch (error) {
        if (!refusals.has(systemCode(error))) throw error;
        this.#direct = undefined;
      }
    });
    return done;
  }

  /** Yields what each write has taken. Ends early where the disk took less than it was given. */
  async *#writeBlocks(direct: DirectHandle, offset: number, bytes: Uint8Array): AsyncGenerator<number, void> {
    const room = takeRoom();
    try {
      for (let done = 0; done < bytes.length; done += roomBytes) {
        this.#file.ensureWritable();
        const part = bytes.subarray(done, done + roomBytes);
        room.set(part);
        const { bytesWritten } = await direct.write(room, 0, part.length, offset + done);
        yield bytesWritten;
        if (bytesWritten < part.length) return;
      }
    } finally {
      giveBackRoom(room);
    }
  }

  /** Yields what each read has brought. Ends early at the end of the file. */
  async *#readBlocks(direct: DirectHandle, offset: number, into: Uint8Array): AsyncGenerator<number, void> {
    const room = takeRoom();
    try {
      for (let done = 0; done < into.length; ) {
        this.#file.ensureOpen();
        const before = (offset + done) % blockBytes;
        const wanted = Math.ceil((before + into.length - done) / blockBytes) * blockBytes;
        const asked = Math.min(roomBytes, wanted);
        const { bytesRead } = await direct.read(room, 0, asked, offset + done - before);
        const found = Math.min(bytesRead - before, into.length - done);
        if (found <= 0) return;
        into.set(room.subarray(before, before + found), done);
        yield found;
        done += found;
        if (bytesRead < asked) return;
      }
    } finally {
      giveBackRoom(room);
    }
  }
}
