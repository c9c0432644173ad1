/**
 * One run for every package's tests, the tools' and the whole-network tests. Processes, not threads: some
 * tests start workers, native modules and servers, and a crash must name its file.
 */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The longest files, which mostly wait, begin first: begun last, they would be waited for alone. */
const first = [
  "tests/kill.test.ts",
  "tests/idle.test.ts",
  "tests/pins.test.ts",
  "node/test/simulator.test.ts",
  "node/test/network.test.ts",
  "node/test/net/gossip-attacks.test.ts",
  "cli/test/launch.test.ts",
  "tests/hosts.test.ts",
];
const rankOf = ({ moduleId }: TestSpecification): number => {
  const at = first.findIndex((name) => moduleId.endsWith(`/${name}`));
  return at < 0 ? first.length : at;
};
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

/**
 * Sources are stripped of their types and compiled once, not by every process of tests and every program that a test
 * starts: a third of their processor time. It lies where the launcher keeps it, and goes with the packages.
 */
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL("node_modules/.cache/holdfast", import.meta.url));

const outside = ["**/node_modules/**", "**/dist/**"];
const all = ["packages/*/test/**/*.test.ts", "tools/**/*.test.ts", "tests/**/*.test.ts"];
/**
 * Tests of code that has no state of its own outlive their file in one process: loading the modules anew for each file
 * took two fifths of their processor time.
 */
const pure = ["base", "consensus", "api", "dashboard"].map((name) => `packages/${name}/test/**/*.test.ts`);
/**
 * So do tests of the node's rooms over simulated wire, disk and clock: loading the node takes most of a second for each
 * file. Not those that install kernels, start threads or processes, or count what this process holds.
 */
const rooms = [
  "{attestation,channels,discovery,encryption,faucet,founding,ledgers,light,market,mine}/*",
  "{retrieval,rpc,swap,sync,wallet}/*",
  "chain/!(database)",
  "{gateway,pins,posc}/!(kubo)",
  "mempool/!(flood)",
].map((tests) => `packages/node/test/${tests}.test.ts`);

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "pure", isolate: false, include: pure, exclude: outside } },
      { extends: true, test: { name: "rooms", isolate: false, include: rooms, exclude: outside } },
      {
        extends: true,
        test: { name: "own processes", include: all, exclude: [...outside, ...pure, ...rooms] },
      },
    ],
    pool: "forks",
    sequence: { sequencer: LongestFirst },
    // Node loads TypeScript itself, as it does for the program: a third less of processor time than by Vite, whose form
    // of a module reads every import through a property.
    experimental: { viteModuleRunner: false },
    setupFiles: ["tests/compiled.ts"],
    // One more than the machines of CI have cores: the longest files mostly wait for processes and blocks.
    maxWorkers: 3,
    // Bounds for what hangs, not for what is slow: a machine may be busy with other things.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    teardownTimeout: 10_000,
    reporters: ["default"],
    passWithNoTests: false,
    allowOnly: false,
    coverage: { reportsDirectory: "coverage", include: ["packages/*/src/**/*.ts"] },
  },
});
