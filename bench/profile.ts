/**
 * What a CPU profile of V8 says, in a few lines: the functions that used the processor themselves, and the
 * packages (native code counts for who called it).
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";

const cpuProfile = z.object({
  nodes: z.array(
    z.object({
      id: z.int(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.int() }),
      children: z.array(z.int()).optional(),
    }),
  ),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
});
type CpuProfile = z.output<typeof cpuProfile>;
type Frame = CpuProfile["nodes"][number]["callFrame"];

export async function summary(path: string, most = 25): Promise<string> {
  const profile = cpuProfile.parse(JSON.parse(await readFile(path, "utf8")));
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  );
  const byFunction = new Map<string, number>();
  const byPackage = new Map<string, number>();
  let totalUs = 0;
  profile.samples.forEach((id, index) => {
    const tookUs = profile.timeDeltas[index] ?? 0;
    const frame = frames.get(id);
    totalUs += tookUs;
    if (frame === undefined || frame.functionName === "(idle)") return;
    add(byFunction, `${frame.functionName || "(unnamed)"}  ${placeOf(frame)}`, tookUs);
    add(byPackage, packageOf(nearestSource(id, frames, parents)), tookUs);
  });
  const list = (title: string, map: ReadonlyMap<string, number>): string[] => [
    `  ${title}, % of the time that passed`,
    ...[...map]
      .sort((a, b) => b[1] - a[1])
      .slice(0, most)
      .map(([name, us]) => `  ${((100 * us) / totalUs).toFixed(2).padStart(6)}  ${name}`),
  ];
  return [...list("functions by themselves", byFunction), ...list("packages", byPackage)].join("\n");
}

function add(map: Map<string, number>, name: string, value: number): void {
  map.set(name, (map.get(name) ?? 0) + value);
}

function placeOf({ url, lineNumber }: Frame): string {
  const short = url.replace(/^.*\/node_modules\//, "").replace(/^.*\/packages\//, "");
  return short === "" ? "" : `${short}:${lineNumber + 1}`;
}

/** Native functions have no source: who called them is what counts. */
function nearestSource(
  id: number,
  frames: ReadonlyMap<number, Frame>,
  parents: ReadonlyMap<number, number>,
): Frame | undefined {
  const own = frames.get(id);
  let at: number | undefined = id;
  while (at !== undefined) {
    const frame = frames.get(at);
    if (frame !== undefined && frame.url !== "") return frame;
    at = parents.get(at);
  }
  return own;
}

function packageOf(frame: Frame | undefined): string {
  if (frame === undefined) return "(unknown)";
  const own = /\/packages\/([^/]+\/src\/[^/]+)/.exec(frame.url)?.[1];
  const foreign = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(frame.url)?.[1];
  const builtin = /^node:/.test(frame.url) ? "node" : undefined;
  return own ?? foreign ?? builtin ?? frame.functionName;
}
