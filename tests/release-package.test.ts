/**
 * A release of the proofs on a machine that has nothing: the tarball is installed into an empty folder without the
 * network, no compiler can be found, and the kernels are there: native ones if the tarball has a binary of the
 * platform, WebAssembly if it has none, and all threads. Its types are checked as a stranger's. A binary that was
 * changed on the way is refused aloud.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { binaryName, nativeFolders } from "@holdfast/proofs/kernels";
import { afterAll, describe, expect, it } from "vitest";
import { packInto, stageProofs } from "../tools/release-package.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const built = nativeFolders.find((folder) => existsSync(join(folder, binaryName)));
const platform = `${process.platform}-${process.arch}`;
const folders: string[] = [];
const emptyFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-release-"));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** Where a tarball with these binaries is installed. */
async function installed(prebuilt: string | undefined): Promise<string> {
  const [staged, home] = [emptyFolder(), emptyFolder()];
  await stageProofs(staged, prebuilt ?? join(staged, "none"));
  const tarball = packInto(emptyFolder(), staged);
  writeFileSync(join(home, "package.json"), `{ "private": true, "type": "module" }`);
  const cache = emptyFolder();
  const done = spawnSync(
    "npm",
    ["install", "--offline", "--no-audit", "--no-fund", "--cache", cache, tarball],
    {
      cwd: home,
      encoding: "utf8",
    },
  );
  expect(done.stderr).not.toMatch(/npm error/);
  expect(done.status).toBe(0);
  return home;
}

interface Answer {
  readonly backend: string;
  readonly refused: boolean;
  readonly reason?: string;
  /** Whether a second thread worked. */
  readonly helped: boolean;
  readonly losses: readonly string[];
  readonly commP: string;
}

const program = `
  import { commP, installTreeKernel, plainTreeKernel, poseidonHasher } from "@holdfast/proofs";
  import { createCrew, crewTree, loadKernels } from "@holdfast/proofs/kernels";
  const { backend, refused, reason, tree, curve, layers } = await loadKernels();
  installTreeKernel(tree);
  const { commitment } = commP(new Uint8Array(127).fill(1));
  const kernels = { tree: { ...plainTreeKernel, ...tree }, curve, layers };
  const losses = [];
  const crew = createCrew({ backend, kernels, threads: 2, onLoss: (problem) => losses.push(problem) });
  const { startRows } = crewTree(crew, kernels, { poseidonLeaves: 8, sha256Leaves: 8, columns: 8, minSlices: 2 });
  const task = { hasher: poseidonHasher.name, leaves: new Uint8Array(32 * 512), shape: [8, 8, 8] };
  let tasks = 0;
  // Until a helper has worked; it starts in less time than so many tasks take.
  for (; losses.length === 0 && !(crew.helperCpuMs[0] > 0) && tasks < 20_000; tasks += 1)
    startRows({ ...task, rows: new Uint8Array(32 * 73) }).finish();
  const helped = crew.helperCpuMs[0] > 0;
  await crew[Symbol.asyncDispose]();
  const found = { backend, refused, reason, helped, losses, commP: Buffer.from(commitment).toString("hex") };
  console.log(JSON.stringify(found));
`;

/** What a program in TypeScript there may rely on; a name that is not there and a wrong argument are found. */
const typed = `
  import { commP, createProver, type Prover, sealZigzagSteps } from "@holdfast/proofs";
  import { type LoadedKernels, loadKernels } from "@holdfast/proofs/kernels";
  import { pieceCid } from "@holdfast/proofs/piece";
  import { createVerifier, type SealStatement, type Verifier } from "@holdfast/proofs/verify";
  const prover: Prover = createProver();
  const verifier: Verifier = createVerifier();
  export const judge = (statement: SealStatement): boolean => verifier.verifySeal(statement);
  export const commitment: Uint8Array = commP(new Uint8Array(127)).commitment;
  export const backend = async (): Promise<LoadedKernels["backend"]> => (await loadKernels()).backend;
  export { pieceCid, prover, sealZigzagSteps };
`;
const wrong = `
  import { commP } from "@holdfast/proofs";
  import { createVerifier } from "@holdfast/proofs/verify";
  commP("bytes are no text");
  createVerifier().replicate;
`;

/** What the compiler says of it, declarations included. */
function complaintsIn(home: string): readonly string[] {
  writeFileSync(join(home, "typed.ts"), typed);
  writeFileSync(join(home, "wrong.ts"), wrong);
  const compilerOptions = {
    ...{ strict: true, skipLibCheck: false, noEmit: true, exactOptionalPropertyTypes: true },
    ...{ module: "NodeNext", target: "ES2024", lib: ["ES2024", "ESNext.Disposable"] },
    ...{ types: ["node"], typeRoots: [join(root, "node_modules/@types")] },
  };
  writeFileSync(
    join(home, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: ["typed.ts", "wrong.ts"] }),
  );
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", home, "--pretty", "false"], {
    encoding: "utf8",
  });
  return stdout.match(/^.*error TS\d+/gm) ?? [];
}

/** What a program there says, with nothing on the path but Node. */
function answerIn(home: string): Answer {
  writeFileSync(join(home, "program.js"), program);
  const done = spawnSync(process.execPath, ["program.js"], {
    cwd: home,
    encoding: "utf8",
    env: { PATH: dirname(process.execPath) },
  });
  expect(done.stderr).toBe("");
  return JSON.parse(done.stdout) as Answer;
}

describe("a release of the proofs", () => {
  it("without a binary of the platform works in WebAssembly and has types, with nothing to complain of", async () => {
    const home = await installed(undefined);
    expect(complaintsIn(home)).toEqual([
      expect.stringMatching(/wrong\.ts\(4,.*TS2345/),
      expect.stringMatching(/wrong\.ts\(5,.*TS2339/),
    ]);
    const { backend, refused, helped, losses, commP } = answerIn(home);
    expect({ backend, refused }).toEqual({ backend: "wasm", refused: false });
    expect({ helped, losses }).toEqual({ helped: true, losses: [] });
    expect(commP).toMatch(/^[0-9a-f]{64}$/);
  });

  it.skipIf(built === undefined)("with one works natively, and without it when it was changed", async () => {
    const prebuilt = emptyFolder();
    cpSync(built ?? "", join(prebuilt, platform), { recursive: true });
    const home = await installed(prebuilt);
    expect(existsSync(join(home, "node_modules/@holdfast/proofs/src"))).toBe(false);
    expect(answerIn(home)).toMatchObject({ backend: "native", refused: false, helped: true, losses: [] });
    const binary = join(home, "node_modules/@holdfast/proofs/prebuilt", platform, binaryName);
    writeFileSync(binary, readFileSync(binary).subarray(0, -1));
    const { backend, refused, reason } = answerIn(home);
    expect({ backend, refused }).toEqual({ backend: "wasm", refused: true });
    expect(reason).toMatch(/changed or cut/);
  });
});
