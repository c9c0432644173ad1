/**
 * What tells a node's folder from its copies: the number and the birth of its inode, which a copy, a backup or another
 * machine does not share; and the start of the machine, which a copy of the whole disk does not share.
 */
import { readFile, stat } from "node:fs/promises";
import type { MinerPlace } from "./mine/index.ts";

export async function placeOf(folder: string): Promise<MinerPlace> {
  const { ino, birthtimeMs } = await stat(folder, { bigint: true });
  // Elsewhere than on Linux there is none, and a copied disk is not told from the one that it was.
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return { folder: `${ino}/${birthtimeMs}`, boot: boot.trim() };
}
