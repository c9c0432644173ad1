/**
 * Standard input in buffers that are used again, so that reading terabytes makes no garbage: a chunk is gone when
 * the next one is asked for. A regular file is read by position-less reads, a pipe through a socket with a buffer
 * of its own, anything else (a terminal, other platforms' streams) as Node reads it.
 */
import { fstatSync, read } from "node:fs";
import { Socket } from "node:net";
import { addAbortSignal } from "node:stream";
import { promisify } from "node:util";

const fd = 0;
const bufferBytes = 1_048_576;
const readInto = promisify(read);

/** Nothing is opened before it is asked for. Ends with the signal's error when that is aborted. */
export function standardInput(signal: AbortSignal): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const kind = kindOfInput();
      if (kind === "file") return fileChunks(signal);
      return kind === "pipe" ? pipeChunks(signal) : streamChunks(signal);
    },
  };
}

function kindOfInput(): "file" | "pipe" | "other" {
  if (process.platform === "win32") return "other";
  try {
    const found = fstatSync(fd);
    if (found.isFile()) return "file";
    return found.isFIFO() || found.isSocket() ? "pipe" : "other";
  } catch {
    return "other"; // closed: Node's own stream says what that means
  }
}

async function* fileChunks(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(bufferBytes);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await readInto(fd, buffer, 0, bufferBytes, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** One buffer, filled once and handed out; the socket rests until the next chunk is asked for. */
async function* pipeChunks(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let arrived = 0;
  let wake = (): void => undefined;
  let state: { readonly over: boolean; readonly error?: unknown } = { over: false };
  const buffer = Buffer.allocUnsafe(bufferBytes);
  const onread = {
    buffer,
    callback(count: number): boolean {
      arrived = count;
      wake();
      return false;
    },
  };
  const socket = new Socket({ fd, readable: true, writable: false, signal, onread });
  const end = (error?: unknown): void => {
    state = { over: true, ...(error === undefined ? {} : { error }) };
    wake();
  };
  socket.on("end", () => end());
  socket.on("error", end);
  try {
    for (;;) {
      socket.resume();
      if (arrived === 0 && !state.over) await new Promise<void>((resolve) => (wake = resolve));
      if (state.error !== undefined) throw state.error;
      if (arrived === 0) return;
      const chunk = buffer.subarray(0, arrived);
      arrived = 0;
      yield chunk;
    }
  } finally {
    socket.destroy();
  }
}

async function* streamChunks(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  yield* addAbortSignal(signal, process.stdin);
}
