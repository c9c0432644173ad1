/** The tour itself is a gate, so it is shown red: a failing command, one in the background, one that hangs. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runTour, tourOf } from "./tour.ts";

const nodeModules = fileURLToPath(new URL("../node_modules", import.meta.url));
const run = (script: string, timeoutMs = 60_000): Promise<boolean> =>
  runTour({ script, blocks: 1 }, { nodeModules, timeoutMs, output: "ignore" });

const fence = "```";
const readme = `# Product
${fence}sh tour
outside
${fence}
## Five-minute tour
${fence}sh tour
# no heading
one
${fence}
### Part
${fence}sh
only shown
${fence}
${fence}sh tour
two
${fence}
## Next
${fence}sh tour
after
${fence}
`;

describe("the tour", () => {
  it("is the marked blocks of its section, each on its own lines", () => {
    const { script, blocks } = tourOf(readme);
    expect(blocks).toBe(2);
    expect(script.split("\n").filter((line) => line !== "")).toEqual(["# no heading", "one", "two"]);
    expect(script.split("\n")[7]).toBe("one");
    expect(tourOf("# Other\n")).toEqual({ script: "", blocks: 0 });
    expect(tourOf(readme, "Next").script.trim()).toBe("after");
  });

  it("runs in one shell, in an empty folder and home, with the programs of node_modules", async () => {
    const script = `a=1
[ "$a" = 1 ] && [ -z "$(ls -A)" ] && [ -z "$(ls -A "$HOME")" ] && [ "$PWD" != "$HOME" ]
node -e 'if (!process.execPath.includes("node_modules")) process.exitCode = 1'
[ -z "\${npm_config_x-}" ]`;
    expect(await run(script)).toBe(true);
  });

  it.each(["false\ntrue", "false | true", 'echo "$nowhere"', "false & sleep 0.2; true", "exit 3"])(
    "fails: %s",
    async (script) => {
      expect(await run(script)).toBe(false);
    },
  );

  it("stops what still runs in the background and passes", async () => {
    expect(await run("sleep 600 &\ntrue")).toBe(true);
  });

  it("fails when the time is over", async () => {
    expect(await run("sleep 600", 200)).toBe(false);
  });
});
