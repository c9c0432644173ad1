/**
 * A file of a bucket while it is written. Objects are written whole, files at any place; so the bytes are gathered in a
 * scratch file on a local disk and sent when they are to be durable, or when the file is closed.
 */
import { type Disk, type DiskFile, diskErrors } from "@holdfast/base";

export class SpoolFile implements DiskFile {
  readonly #path: string;
  readonly #scratch: Disk;
  readonly #scratchPath: string;
  readonly #file: DiskFile;
  readonly #send: (file: DiskFile, sizeBytes: number) => Promise<void>;
  #isDirty: boolean;
  #isOpen = true;

  private constructor(
    path: string,
    scratch: { readonly disk: Disk; readonly path: string; readonly file: DiskFile },
    send: (file: DiskFile, sizeBytes: number) => Promise<void>,
    isDirty: boolean,
  ) {
    this.#path = path;
    this.#scratch = scratch.disk;
    this.#scratchPath = scratch.path;
    this.#file = scratch.file;
    this.#send = send;
    this.#isDirty = isDirty;
  }

  /** `fill` brings the bytes of an object that is to be changed; without it the file is new. */
  static async open(
    path: string,
    scratch: { readonly disk: Disk; readonly path: string },
    send: (file: DiskFile, sizeBytes: number) => Promise<void>,
    fill?: (file: DiskFile) => Promise<void>,
  ): Promise<SpoolFile> {
    const file = await scratch.disk.open(scratch.path, "create");
    try {
      await fill?.(file);
      return new SpoolFile(path, { ...scratch, file }, send, fill === undefined);
    } catch (error) {
      await file[Symbol.asyncDispose]();
      await scratch.disk.remove(scratch.path);
      throw error;
    }
  }

  readAt(offsetBytes: number, lengthBytes: number, room?: Uint8Array): Promise<Uint8Array> {
    return this.#whileOpen(() => this.#file.readAt(offsetBytes, lengthBytes, room));
  }
  writeAt(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    return this.#whileOpen(() => {
      this.#isDirty = true;
      return this.#file.writeAt(offsetBytes, bytes);
    });
  }
  sizeBytes(): Promise<number> {
    return this.#whileOpen(() => this.#file.sizeBytes());
  }
  truncate(lengthBytes: number): Promise<void> {
    return this.#whileOpen(() => {
      this.#isDirty = true;
      return this.#file.truncate(lengthBytes);
    });
  }
  sync(): Promise<void> {
    return this.#whileOpen(() => this.#flush());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      await this.#flush();
    } finally {
      await this.#file[Symbol.asyncDispose]();
      await this.#scratch.remove(this.#scratchPath);
    }
  }

  async #whileOpen<T>(run: () => Promise<T>): Promise<T> {
    if (!this.#isOpen) throw diskErrors.closed({ path: this.#path });
    return await run();
  }

  async #flush(): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    try {
      await this.#send(this.#file, await this.#file.sizeBytes());
    } catch (error) {
      this.#isDirty = true;
      throw error;
    }
  }
}
