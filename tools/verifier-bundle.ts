/**
 * Doors as one file for a browser: the verifier, which checks seals, proofs of spacetime and pieces, the light client,
 * and the verifier of evidence of enclaves. Tests run them in a browser; the benchmarks print the verifier's size.
 */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const doors = {
  verifier: "../packages/proofs/src/verify.ts",
  light: "../packages/consensus/src/browser.ts",
  attestation: "../packages/proofs/src/attestation/index.ts",
};

export interface BrowserBundle {
  /** An ES module. */
  readonly code: string;
  readonly sizeBytes: number;
  readonly gzipBytes: number;
  /** The modules that are in it, as paths. */
  readonly modules: readonly string[];
}

/** Bundles and minifies `@holdfast/proofs/verify`, `…/attestation`, or `@holdfast/consensus/browser`. */
export async function bundleDoor(door: keyof typeof doors): Promise<BrowserBundle> {
  await using build = await rolldown({
    input: fileURLToPath(new URL(doors[door], import.meta.url)),
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

export const bundleVerifier = (): Promise<BrowserBundle> => bundleDoor("verifier");
