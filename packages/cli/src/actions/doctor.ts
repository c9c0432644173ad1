/**
 * `doctor`: one finding after another, each with what it means and the command that helps. What keeps a node from
 * working makes the command fail at the end; what only makes it slower does not.
 */
import { statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { HoldfastError } from "@holdfast/base";
import type { KernelReport } from "@holdfast/node/offline";
import { z } from "zod";
import { action, type CommandContext } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { plural, roughly, sizeText } from "../human-text.ts";
import type { Style } from "../layout.ts";
import { offline } from "../offline.ts";
import { defaultRepo } from "../up-record.ts";

const finding = z.object({
  check: z.string(),
  state: z.enum(["ok", "note", "failing"]).describe("note: it works, and could be better"),
  says: z.string(),
  fix: z.string().nullable().describe("the command that helps"),
  backend: z.enum(["native", "wasm", "noble", "reference"]).nullable().describe("of a group of kernels"),
  ratio: z.number().nullable().describe("times the speed of the TypeScript reference, on a small sample"),
});
type Finding = z.output<typeof finding>;

const stateStyle: { readonly [State in Finding["state"]]: Style } = {
  ok: "green",
  note: "yellow",
  failing: "red",
};

/** As long as the longest name: findings are printed one by one, before the next is known. */
const checkColumns = "labels of idle files, compatible".length;

const GiB = 2 ** 30;
/** Less than this and a node cannot keep its chain. */
const leastFreeBytes = GiB / 4;
const comfortableFreeBytes = 8 * GiB;
const leastNodeMajor = 20;
const bestNodeMajor = 24;
/** No clock that runs right shows less. */
const earliestMs = Date.UTC(2026, 0, 1);

const found = (check: string, state: Finding["state"], says: string, fix: string | null = null): Finding => ({
  check,
  state,
  says,
  fix,
  backend: null,
  ratio: null,
});

function nodeVersion(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  const says = `Node.js ${process.versions.node} on ${process.platform} ${process.arch}`;
  if (major < leastNodeMajor)
    return found("Node.js", "failing", `${says}, ${bestNodeMajor} is needed`, "npm ci");
  return major < bestNodeMajor
    ? found("Node.js", "note", `${says}; ${bestNodeMajor} comes with the installation`, "npm ci")
    : found("Node.js", "ok", says);
}

function ofKernel({ group, backend, features, ratio, reason, fix }: KernelReport): Finding {
  const used = features === null || features.length === 0 ? "" : ` (${features.join(", ")})`;
  const speed = ratio === null ? "" : `, ${ratio} times the reference`;
  // Elsewhere the reason stands alone and names the command; here that has a line of its own.
  const why = fix === null ? reason : (reason?.replace(`: ${fix}`, "") ?? null);
  return {
    check: group,
    state: reason === null ? "ok" : "note",
    says: `${backend}${used}${speed}${why === null ? "" : `: ${why}`}`,
    fix,
    backend,
    ratio,
  };
}

/** How many threads the kernels of one computation work with. */
function computing(): Finding {
  const threads = availableParallelism();
  const says = `${plural(threads, "processor")}: sealing, proving and making parameters work on all of them`;
  return threads > 1
    ? found("threads", "ok", says)
    : found("threads", "note", "one processor: large computations have no helpers");
}

/** The node that commands would talk to, and what its chain says of this clock. */
async function* nodeAndClock({ node, signal }: CommandContext): AsyncGenerator<Finding> {
  const now = Date.now();
  const date = new Date(now).toISOString().slice(0, 19).replace("T", " ");
  if (now < earliestMs) {
    yield found("clock", "failing", `${date} UTC is in the past`, "set the clock of this machine");
  }
  try {
    const status = await (await node()).call("node.status", {}, signal);
    const { health } = status;
    const state = health.light === "ok" ? "ok" : "note";
    yield found("node", state, `${status.name} answers: ${health.light}, ${health.reason}`, health.fix);
    if (now < earliestMs) return;
    yield status.headAgeMs < -status.roundMs
      ? found(
          "clock",
          "failing",
          `${date} UTC; the chain's head is from later`,
          "set the clock of this machine",
        )
      : found("clock", "ok", `${date} UTC; the chain's head is ${roughly(status.headAgeMs)} old`);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    yield found("node", "note", error.message, error.fix);
    if (now >= earliestMs) yield found("clock", "ok", `${date} UTC; no chain to compare it with`);
  }
}

/** Free bytes where `path` is or would be. */
async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    const above = dirname(path);
    if (above === path) throw error;
    return freeBytes(above);
  }
}

/** Disks and buckets of the node's miner that are in trouble; nothing of a node without one. */
async function* volumes({ node, signal }: CommandContext): AsyncGenerator<Finding> {
  try {
    const listed = await (await node()).call("storage.ls", { check: false }, signal);
    for (const { volumeId, place, reason } of listed.volumes) {
      if (reason === null) continue;
      const says = `volume ${volumeId} (${place}): ${reason}`;
      yield found(
        "volumes",
        "note",
        says,
        "mount the disk or reach the server again; see `holdfast storage ls`",
      );
    }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error; // no node, or none with a miner: said above, or no matter
  }
}

async function disk({ env }: CommandContext): Promise<Finding> {
  const { HOLDFAST_REPO: named = "" } = env;
  const repo = named === "" ? defaultRepo(env) : named;
  const free = await freeBytes(repo);
  const says = `${sizeText(free)} free for ${repo}`;
  if (free < leastFreeBytes) return found("disk", "failing", says, "free some space, or name another repo");
  return found("disk", free < comfortableFreeBytes ? "note" : "ok", says);
}

async function parameterSets({ env }: CommandContext): Promise<Finding> {
  const tools = await (await offline()).parameters();
  const folder = tools.defaultParameterFolder(env);
  const sets = await tools.openParameterCache({ folder }).list();
  const broken = sets.filter(({ missing }) => missing.length > 0);
  if (broken.length > 0) {
    const says = `${plural(broken.length, "set")} in ${folder} lack files`;
    return found("parameters", "note", says, "holdfast params verify");
  }
  return sets.length === 0
    ? found("parameters", "ok", `none in ${folder}; networks with SNARKs make theirs at the first use`)
    : found("parameters", "ok", `${plural(sets.length, "set")} in ${folder}`);
}

async function* examine(context: CommandContext): AsyncGenerator<Finding> {
  let failing = 0;
  const seen = (one: Finding): Finding => {
    if (one.state === "failing") failing += 1;
    return one;
  };
  yield seen(nodeVersion());
  for (const report of await (await offline()).kernelReports()) yield seen(ofKernel(report));
  yield seen(computing());
  for await (const one of nodeAndClock(context)) yield seen(one);
  for await (const one of volumes(context)) yield seen(one);
  yield seen(await disk(context));
  yield seen(await parameterSets(context));
  if (failing > 0) throw cliErrors.unwell({ failing });
}

export const doctor = action({
  result: finding,
  run: examine,
  render: ({ check, state, says, fix }, { terminal }) =>
    [
      `${terminal.paint(stateStyle[state], state.padEnd(7))}  ${check.padEnd(checkColumns)}  ${says}`,
      ...(fix === null ? [] : [`${" ".repeat(11 + checkColumns)}fix: ${fix}`]),
    ].join("\n"),
});
