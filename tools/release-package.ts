/**
 * The proofs as a package that installs anywhere without a compiler and without the rest of this repository:
 * `npm run pack:proofs` bundles their doors into plain JavaScript, puts declarations of their types, the WebAssembly
 * and the native binaries of `packages/proofs/kernels/prebuilt/` beside it, and packs a tarball into `.tmp/`. Nothing
 * is installed with it and no script runs: which kernels work is decided when they are loaded.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "@holdfast/base";
import { rolldown } from "rolldown";
import { stageTypes } from "./release-types.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const proofs = join(root, "packages/proofs");
const prebuiltFolder = join(proofs, "kernels/prebuilt");

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
}

/** The door's file in the package: "./kernels" is kernels.js. */
const fileOf = (door: string): string => (door === "." ? "index" : door.slice(2));

/** Files that threads start with, under the names by which they are looked for beside those who start them. */
const threads = { "crew-thread": join(proofs, "kernels/crew/thread.ts") };

/** Types of the doors and of all that they name. */
const typesFolder = "types";

const readme = `# Proofs of storage

Sealing, proofs of replication and of spacetime, piece commitments, Groth16: the doors \`.\`, \`./kernels\`, \`./piece\`
and \`./verify\`. Kernels: native binaries of some platforms under \`prebuilt/\`, WebAssembly, and TypeScript behind
them; \`loadKernels()\` of \`./kernels\` takes the best that gives the known answers and says which and why.
`;

function manifestOf({ name, version, license, exports }: Manifest): string {
  const doors = Object.entries(exports).map(([door, source]) => {
    const types = `./${typesFolder}/proofs/${source.slice(2).replace(/ts$/, "d.ts")}`;
    return [door, { types, default: `./${fileOf(door)}.js` }];
  });
  const manifest = { name, version, license, type: "module", sideEffects: false };
  return `${JSON.stringify({ ...manifest, exports: Object.fromEntries(doors) }, undefined, 2)}\n`;
}

/** Writes the files of the package into an empty folder; `prebuilt` is where binaries are, one folder a platform. */
export async function stageProofs(to: string, prebuilt: string | undefined = prebuiltFolder): Promise<void> {
  const manifest = JSON.parse(readFileSync(join(proofs, "package.json"), "utf8")) as Manifest;
  const doors = Object.entries(manifest.exports).map(([door, path]) => [fileOf(door), join(proofs, path)]);
  mkdirSync(to, { recursive: true });
  await using build = await rolldown({
    input: { ...(Object.fromEntries(doors) as Record<string, string>), ...threads },
    platform: "node",
    logLevel: "silent",
  });
  // All beside one another: the loader looks for its binaries beside itself.
  await build.write({
    dir: to,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
  });
  stageTypes(
    join(to, typesFolder),
    doors.map(([, path]) => path as string),
  );
  copyFileSync(join(proofs, "kernels/kernels.wasm"), join(to, "kernels.wasm"));
  for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"])
    copyFileSync(join(root, licence), join(to, licence));
  writeFileSync(join(to, "package.json"), manifestOf(manifest));
  writeFileSync(join(to, "README.md"), readme);
  if (prebuilt !== undefined && existsSync(prebuilt))
    cpSync(prebuilt, join(to, "prebuilt"), { recursive: true });
}

/** Packs a staged folder; the tarball's path. */
export function packInto(folder: string, staged: string): string {
  mkdirSync(folder, { recursive: true });
  const done = spawnSync("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: staged,
    encoding: "utf8",
  });
  assert(done.status === 0, `npm pack succeeds: ${done.stderr}`);
  return join(folder, done.stdout.trim().split("\n").at(-1) ?? "");
}

if (import.meta.main) {
  const staged = join(root, ".tmp/proofs-package");
  rmSync(staged, { recursive: true, force: true });
  await stageProofs(staged);
  console.log(packInto(join(root, ".tmp"), staged));
  if (!existsSync(prebuiltFolder)) console.log("without native binaries: npm run build:prebuilt makes them");
}
