/** A file of the operating system as a source of bytes; for pieces that a caller has outside of our root. */
import { open } from "node:fs/promises";
import { asDiskError } from "./system-errors.ts";

/** Bytes read at once. */
const chunkBytes = 1 << 20;

/** The bytes of a file in order. Throws disk/not-found, disk/denied, disk/io at the first read. */
export async function* readNativeFile(nativePath: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    const handle = await open(nativePath, "r");
    try {
      for (;;) {
        const { bytesRead, buffer } = await handle.read(new Uint8Array(chunkBytes), 0, chunkBytes);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw asDiskError("reading", nativePath, error);
  }
}
