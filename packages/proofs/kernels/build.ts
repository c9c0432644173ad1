/**
 * Compiles the C kernels: `node packages/proofs/kernels/build.ts` writes `src/constants.h` and `kernels.wasm`;
 * with `--check` it writes nothing and exits with 1 if either differs from what is committed. The same compiler
 * (clang and wasm-ld 19 of Debian) gives the same bytes.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { constantsHeader } from "./constants.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const header = join(folder, "src", "constants.h");
const binary = join(folder, "kernels.wasm");
const compiler = process.env.HOLDFAST_CLANG ?? "clang-19";
const flags = [
  ..."--target=wasm32 -std=c17 -ffreestanding -fno-builtin -nostdlib -O3 -mbulk-memory".split(" "),
  ..."-Wall -Wextra -Werror".split(" "),
  ..."-Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=1048576 -Wl,--max-memory=2147483648".split(" "),
];

function compile(to: string): string | undefined {
  const sources = ["src/kernels.c"];
  const done = spawnSync(compiler, [...flags, "-o", to, ...sources], { cwd: folder, encoding: "utf8" });
  if (done.error !== undefined) return `${compiler} does not start: ${done.error.message}`;
  return done.status === 0 ? undefined : done.stderr;
}

function differences(): string[] {
  const temporary = mkdtempSync(join(tmpdir(), "kernels-"));
  try {
    const rebuilt = join(temporary, "kernels.wasm");
    const failure = compile(rebuilt);
    if (failure !== undefined) return [failure];
    const found: string[] = [];
    if (readFileSync(header, "utf8") !== constantsHeader())
      found.push("constants.h differs from the reference");
    if (!readFileSync(binary).equals(readFileSync(rebuilt)))
      found.push("kernels.wasm differs from its sources");
    return found;
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

if (process.argv.includes("--check")) {
  const found = differences();
  for (const difference of found) console.error(`kernels: ${difference}`);
  if (found.length === 0) console.log("kernels: the committed binary is what its sources give");
  process.exitCode = found.length === 0 ? 0 : 1;
} else {
  writeFileSync(header, constantsHeader());
  const failure = compile(binary);
  if (failure === undefined) chmodSync(binary, 0o644); // the linker makes it executable
  if (failure !== undefined) console.error(failure);
  process.exitCode = failure === undefined ? 0 : 1;
}
