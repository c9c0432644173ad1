/**
 * The folder of the chain's database, and how another takes its place. What is made lies beside it until it is
 * complete; then two renames exchange them. Invariant: after a kill at any point `settleChainFolder` finds either
 * the old chain whole or the new one whole, and removes what is left of the other.
 */
import { open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Where a database is made that is to take the chain's place. */
export const nextChainFolder = (path: string): string => `${path}.next`;
const oldChainFolder = (path: string): string => `${path}.old`;

/** Before the database is opened, by who holds the repo's lock. */
export async function settleChainFolder(path: string): Promise<void> {
  // The old one is moved away only when the next one is complete.
  const isHalfway = !(await exists(path)) && (await exists(oldChainFolder(path)));
  if (isHalfway && (await exists(nextChainFolder(path)))) await move(nextChainFolder(path), path);
  else if (isHalfway) await move(oldChainFolder(path), path);
  await rm(nextChainFolder(path), { recursive: true, force: true });
  await rm(oldChainFolder(path), { recursive: true, force: true });
}

/** Puts the finished and closed next one in the place of the chain. */
export async function exchangeChainFolder(path: string): Promise<void> {
  if (await exists(path)) await move(path, oldChainFolder(path));
  await move(nextChainFolder(path), path);
  await rm(oldChainFolder(path), { recursive: true, force: true });
}

async function move(from: string, to: string): Promise<void> {
  await rename(from, to);
  const folder = await open(dirname(to), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
