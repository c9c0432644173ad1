/** Who makes and proves layers: this thread, over any disk, or a thread for each layer, over folders of the system. */
import { closeSync, openSync, readSync } from "node:fs";
import type { Disk } from "@holdfast/base";
import { type IdleCommitStatement, proveIdleCommit, runSteps } from "@holdfast/proofs";
import type { VolumeTable } from "@holdfast/storage";
import { inOwnThread } from "../own-thread.ts";
import { idleErrors } from "./errors.ts";
import {
  commitSource,
  damagedFiles,
  type LayerFiles,
  type MadeLayer,
  makeLayer,
  type ReadNow,
  readAhead,
} from "./making.ts";
import type { IdleMaker } from "./needs.ts";
import type { IdleJob } from "./thread.ts";

/** For small profiles, and for simulated disks. */
export function inlineMaker(disk: Disk): IdleMaker {
  return {
    make: (task, signal) => makeLayer(disk, task, { signal }),
    prove: async (statement, files, signal) => {
      const read = await readAhead(disk, files);
      signal.throwIfAborted();
      return runSteps(proveIdleCommit(statement, commitSource(files, read)));
    },
    check: (layer, signal) => damagedFiles(disk, layer, signal),
  };
}

/** A thread for each layer, which ends with it; `table` says where the volumes are now. */
export function threadMaker(table: () => VolumeTable): IdleMaker {
  const module = new URL("./thread.ts", import.meta.url);
  const hooks = (signal: AbortSignal) => ({ signal });
  return {
    make: (task, signal) =>
      inOwnThread<IdleJob, MadeLayer>(module, { kind: "make", table: table(), task }, hooks(signal)),
    prove: (statement, files, signal) =>
      inOwnThread<IdleJob, Uint8Array>(
        module,
        { kind: "prove", table: table(), statement, files },
        hooks(signal),
      ),
    check: (layer, signal) =>
      inOwnThread<IdleJob, readonly number[]>(
        module,
        { kind: "check", table: table(), layer },
        hooks(signal),
      ),
  };
}

/** Proves from files of the system, which are read as they are needed. `pathOf`: of a name of the disk. */
export function proveFromFiles(
  statement: IdleCommitStatement,
  files: LayerFiles,
  pathOf: (path: string) => string,
): Uint8Array {
  const open = new Map<string, number>();
  const read: ReadNow = (path, offset, length) => {
    const file = open.get(path) ?? opened(pathOf(path), path);
    open.set(path, file);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const count = readSync(file, bytes, done, length - done, offset + done);
      if (count === 0) throw idleErrors.damaged({ path });
      done += count;
    }
    return bytes;
  };
  try {
    return runSteps(proveIdleCommit(statement, commitSource(files, read)));
  } finally {
    for (const file of open.values()) closeSync(file);
  }
}

function opened(native: string, path: string): number {
  try {
    return openSync(native, "r");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") throw idleErrors.damaged({ path }, cause);
    throw cause;
  }
}
