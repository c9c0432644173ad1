/**
 * The verifying door as one file for a browser: everything that checks seals, proofs of spacetime and pieces,
 * and nothing else. Tests run it in a browser; the benchmarks print its size.
 */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const entry = fileURLToPath(new URL("../packages/proofs/src/verify.ts", import.meta.url));

export interface VerifierBundle {
  /** An ES module. */
  readonly code: string;
  readonly sizeBytes: number;
  readonly gzipBytes: number;
  /** The modules that are in it, as paths. */
  readonly modules: readonly string[];
}

/** Bundles and minifies `@holdfast/proofs/verify`. */
export async function bundleVerifier(): Promise<VerifierBundle> {
  await using build = await rolldown({
    input: entry,
    platform: "browser",
    treeshake: true,
    logLevel: "silent",
  });
  const { output } = await build.generate({ format: "esm", minify: true });
  const [chunk] = output;
  const { code } = chunk;
  return {
    code,
    sizeBytes: Buffer.byteLength(code),
    gzipBytes: gzipSync(code, { level: 9 }).length,
    modules: chunk.moduleIds,
  };
}
