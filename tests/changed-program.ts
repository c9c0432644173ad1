/**
 * A copy of this program in which somebody has changed something, runnable as it stands: its own sources, everybody
 * else's packages by links. What is copied is what the measurement of a program looks at.
 */
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Made on the machine, or third parties', which are linked. */
const notCopied = new Set(["node_modules", "build", "prebuilt", "test", "tsconfig.json"]);

export interface Change {
  /** Below the checkout. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Returns the path of its launcher. */
export async function changedProgram(folder: string, changes: readonly Change[]): Promise<string> {
  await mkdir(join(folder, "node_modules/@holdfast"), { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) await cp(join(root, name), join(folder, name));
  await cp(join(root, "packages"), join(folder, "packages"), {
    recursive: true,
    filter: (path) => !notCopied.has(basename(path)),
  });
  const packages = await readdir(join(folder, "packages"));
  for (const name of packages) {
    await symlink(join(folder, "packages", name), join(folder, "node_modules/@holdfast", name));
    await link(join(root, "packages", name, "node_modules"), join(folder, "packages", name, "node_modules"));
  }
  for (const name of await readdir(join(root, "node_modules"))) {
    if (name === "@holdfast" || name.startsWith(".")) continue;
    await link(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  for (const { file, from, to } of changes) {
    const text = await readFile(join(folder, file), "utf8");
    if (!text.includes(from)) throw new TypeError(`${file} does not say ${from}`);
    await writeFile(join(folder, file), text.replace(from, to));
  }
  return join(folder, "packages/cli/bin/holdfast.js");
}

async function link(to: string, at: string): Promise<void> {
  try {
    await readdir(to);
  } catch {
    return; // a package without modules of its own
  }
  await symlink(to, at);
}
