/** Who makes and proves layers: this thread, over any disk, or a thread for each layer, over folders of the system. */
import { closeSync, openSync, readSync } from "node:fs";
import type { Disk } from "@holdfast/base";
import { type IdleCommitStatement, proveIdleCommit, runSteps } from "@holdfast/proofs";
import { idleErrors } from "./errors.ts";
import { commitSource, type LayerFiles, makeLayer, type ReadNow, readAhead } from "./making.ts";
import type { IdleMaker } from "./needs.ts";

/** For small profiles, and for simulated disks. */
export function inlineMaker(disk: Disk): IdleMaker {
  return {
    make: (task, signal) => makeLayer(disk, task, { signal }),
    prove: async (statement, files, signal) => {
      const read = await readAhead(disk, files);
      signal.throwIfAborted();
      return runSteps(proveIdleCommit(statement, commitSource(files, read)));
    },
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
    const file = open.get(path) ?? openSync(pathOf(path), "r");
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
