/** An open file of the operating system, read and written by way of the system's cache of files. */
import type { FileHandle } from "node:fs/promises";
import { type DiskFile, diskErrors } from "@holdfast/base";
import { guarded } from "./system-errors.ts";

/** Bytes of one read or write; the system takes below 2^31. */
const maxCallBytes = 2 ** 30;

/** The handle stays with the file it opened, also when another file is renamed over the path. */
export class OpenFile implements DiskFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #writable: boolean;
  #open = true;

  constructor(relative: string, handle: FileHandle, writable: boolean) {
    this.#path = relative;
    this.#handle = handle;
    this.#writable = writable;
  }

  async readAt(offsetBytes: number, lengthBytes: number, room?: Uint8Array): Promise<Uint8Array> {
    this.ensureOpen();
    return await guarded("reading", this.#path, async () => {
      const lent = room !== undefined && room.length >= lengthBytes ? room : undefined;
      const bytes = lent?.subarray(0, lengthBytes) ?? new Uint8Array(lengthBytes);
      let done = 0;
      while (done < lengthBytes) {
        const share = Math.min(lengthBytes - done, maxCallBytes);
        const { bytesRead } = await this.#handle.read(bytes, done, share, offsetBytes + done);
        if (bytesRead === 0) return lent === undefined ? bytes.slice(0, done) : bytes.subarray(0, done);
        done += bytesRead;
      }
      return bytes;
    });
  }

  async writeAt(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    this.ensureWritable();
    await guarded("writing", this.#path, () => writeAll(this.#handle, bytes, offsetBytes));
  }

  async sizeBytes(): Promise<number> {
    this.ensureOpen();
    return await guarded("measuring", this.#path, async () => (await this.#handle.stat()).size);
  }

  async truncate(lengthBytes: number): Promise<void> {
    this.ensureWritable();
    await guarded("truncating", this.#path, () => this.#handle.truncate(lengthBytes));
  }

  async sync(): Promise<void> {
    this.ensureOpen();
    await guarded("syncing", this.#path, () => this.#handle.sync());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await guarded("closing", this.#path, () => this.#handle.close());
  }

  /** Throws disk/closed. */
  ensureOpen(): void {
    if (!this.#open) throw diskErrors.closed({ path: this.#path });
  }
  /** Throws disk/closed, disk/read-only. */
  ensureWritable(): void {
    this.ensureOpen();
    if (!this.#writable) throw diskErrors.readOnly({ path: this.#path });
  }
}

export async function writeAll(handle: FileHandle, bytes: Uint8Array, offsetBytes: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const share = Math.min(bytes.length - done, maxCallBytes);
    const { bytesWritten } = await handle.write(bytes, done, share, offsetBytes + done);
    done += bytesWritten;
  }
}
