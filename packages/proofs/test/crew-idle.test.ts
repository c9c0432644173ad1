/**
 * Idle space by a crew: the files and roots that one thread makes, of both profiles, whoever makes which part; what
 * every thread writes goes where it belongs. A sink that fails ends the set with its error, a caller that gives up has
 * no thread working for it when it is told so. Canary: a block that nobody made is found.
 */
import { equalBytes } from "@holdfast/base";
import {
  cessSetSteps,
  installCessKernel,
  installSpaceKernel,
  plainTreeKernel,
  planCessSet,
  runSteps,
} from "@holdfast/proofs";
import {
  cessRootBlocks,
  createCrew,
  crewCessBlocks,
  crewIdleSets,
  type SliceKind,
} from "@holdfast/proofs/kernels";
import { afterAll, describe, expect, it } from "vitest";
import { type CessSetVector, cessSets, madeSet, setOf } from "./cess-fixtures.ts";
import {
  type FilesPlace,
  idleFilesInMemory,
  memoryFiles,
  type SetsPlace,
  setsInMemory,
} from "./crew-kinds.ts";
import { idleIdentity, makeIdle, smallIdle } from "./idle-fixtures.ts";
import { backends } from "./kernel-backends.ts";

const [vector] = cessSets as readonly [CessSetVector];
const several = cessSets.find(({ k, clusters }) => k > 1 && clusters > 1) ?? vector;
const nowhere = { write: () => undefined };

describe.each(backends)("with $name kernels", ({ loaded }) => {
  const { curve, layers, features = [] } = loaded;
  const without = ["adx", "sha", "ifma", "avx512"].filter((name) => !features.includes(name));
  const losses: string[] = [];
  const crew = createCrew({
    backend: loaded.backend,
    kernels: { tree: plainTreeKernel, curve, layers },
    threads: 3,
    native: { without },
    onLoss: (problem) => losses.push(problem),
  });
  afterAll(async () => {
    await crew[Symbol.asyncDispose]();
    expect(losses).toEqual([]);
  });

  function installed<Result>(act: () => Result): Result {
    const back = [installCessKernel(loaded.cess), installSpaceKernel(loaded.space)];
    try {
      return act();
    } finally {
      for (const undo of back) undo();
    }
  }

  it("a set of the compatibility profile: every file, by whichever thread, and the roots", () => {
    const expected = installed(() => madeSet(several, 64));
    const set = setOf(several);
    const fileBytes = 64 * several.n;
    const count = 2 * several.k * several.clusters;
    const place: FilesPlace = {
      bytes: new Uint8Array(new SharedArrayBuffer(count * fileBytes)),
      fileBytes,
      clusters: several.clusters,
      startCluster: several.startCluster,
    };
    const start = crewCessBlocks(crew, memoryFiles, place);
    let last = 0;
    const progress = (ratio: number): void => {
      expect(ratio).toBeGreaterThanOrEqual(last);
      last = ratio;
    };
    const roots = installed(() =>
      runSteps(cessSetSteps(set, nowhere, { blockNodes: 64, start }), { progress }),
    );
    expect(roots).toEqual(expected.roots);
    expect(last).toBe(1);
    expected.files.forEach((file, i) => {
      expect(equalBytes(file, place.bytes.subarray(i * fileBytes, (i + 1) * fileBytes))).toBe(true);
    });
  });

  it("sets of the hardened profile beside each other, one or two to a thread", () => {
    const identities = [0, 1, 2].map((set) => ({ ...idleIdentity, set }));
    const expected = identities.map((identity) =>
      makeIdle(smallIdle, identity).kept.map(({ commitment }) => commitment),
    );
    for (const atOnce of [1, 2] as const) {
      const place: SetsPlace = {
        commitments: new Uint8Array(new SharedArrayBuffer(3 * 2 * 32)),
        keptLayers: 2,
      };
      installed(() =>
        runSteps(crewIdleSets(crew, setsInMemory, { profile: smallIdle, identities, atOnce, place })),
      );
      expect(
        expected.flat().every((one, i) => equalBytes(one, place.commitments.subarray(32 * i, 32 * i + 32))),
      ).toBe(true);
    }
  });
});

describe("with the reference", () => {
  const crew = createCrew({
    backend: "reference",
    kernels: { tree: plainTreeKernel, curve: backends[0].loaded.curve, layers: {} },
    threads: 2,
    onLoss: () => undefined,
  });
  afterAll(() => crew[Symbol.asyncDispose]());
  const set = setOf(vector);

  it("a file that cannot be written ends the set with the sink's own error", () => {
    const start = crewCessBlocks(crew, idleFilesInMemory, "full");
    expect(() => runSteps(cessSetSteps(set, nowhere, { blockNodes: 64, start }))).toThrow(/planted: full/);
  });

  it("who gives up waits for no whole block, and nothing is made any more", () => {
    const start = crewCessBlocks(crew, idleFilesInMemory, "slow");
    let told = 0;
    const cancel = {
      throwIfAborted: () => {
        if (told > 3) throw new Error("given up");
      },
    } as AbortSignal;
    const progress = (): void => {
      told += 1;
    };
    const steps = cessSetSteps(set, nowhere, { blockNodes: 64, start });
    expect(() => runSteps(steps, { cancel, progress })).toThrow("given up");
    expect(steps.next().done).toBe(true);
  });

  it("canary: a block that nobody made is found", () => {
    const { blocks } = planCessSet(set, 64);
    const lazy: SliceKind<Parameters<typeof cessRootBlocks.make>[1]> = {
      ...cessRootBlocks,
      make: (kernels, input) => {
        const own = cessRootBlocks.make(kernels, input);
        return (slice) => (slice === blocks - 1 ? undefined : own(slice));
      },
    };
    using alone = createCrew({
      backend: "reference",
      kernels: { tree: plainTreeKernel, curve: backends[0].loaded.curve, layers: {} },
      threads: 2,
      seats: new Int32Array(new SharedArrayBuffer(0)),
    });
    const rooted = (kind: typeof lazy) =>
      runSteps(cessSetSteps(set, nowhere, { blockNodes: 64, start: crewCessBlocks(alone, kind, null) }));
    expect(rooted(cessRootBlocks)).toEqual(madeSet(vector, 64).roots);
    expect(rooted(lazy)).not.toEqual(madeSet(vector, 64).roots);
  });
});
