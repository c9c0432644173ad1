/**
 * `npm run sim`: simulations of a whole network from seeds, and the replay of one that failed. Seeds are shared among
 * processes (children inherit `--import`, so that a loader can plant a bug in all of them). A seed that fails writes
 * repro.json, and the program ends with exit code 1.
 */
import { fork } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { HoldfastError } from "@holdfast/base";
import {
  isRepro,
  type Profile,
  profiles,
  type Repro,
  reproOf,
  type SimEvent,
  type SimOptions,
  type SimReport,
  services,
  simErrors,
  simulate,
} from "@holdfast/node/testing";

const usage = `npm run sim -- [options]           simulate a network under faults
npm run sim -- replay repro.json   show a failed simulation again, step by step

  --seed S          the seed (default 1); the same seed gives the same history
  --seeds COUNT     so many seeds, one after the other, from --from on (default 1)
  --from SEED       the first of them (default: --seed)
  --nodes N         machines, 2 to 20 (default: drawn from the seed, 3 to 7)
  --hours H         virtual hours under faults, before all heals (default: drawn, 12 to 30 minutes)
  --profile NAME    ${profiles.join(", ")} (default: drawn)
  --proofs KIND     simulated or real (default: simulated, one seed in 25 real)
  --services LIST   idle, pins, workers, or none: what there is beside storage (default: drawn, mostly none)
  --jobs N          processes that share the seeds (default: as many as processors)
  --out FILE        where a failing seed is written (repro.json)
  --log             print every event
  --json            one line of JSON for each seed

of replay:
  --until STEP      end at this step (default: where it failed)
  --from STEP       print from this step on
  --node NAME       only events of this node
  --kind TEXT       only events whose kind contains this
`;

const options = {
  seed: { type: "string", default: "1" },
  seeds: { type: "string", default: "1" },
  from: { type: "string" },
  nodes: { type: "string" },
  hours: { type: "string" },
  profile: { type: "string" },
  proofs: { type: "string" },
  services: { type: "string" },
  jobs: { type: "string" },
  out: { type: "string", default: "repro.json" },
  log: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
  until: { type: "string" },
  node: { type: "string" },
  kind: { type: "string" },
} as const;

type Values = ReturnType<typeof parse>["values"];

function parse() {
  return parseArgs({ options, allowPositionals: true });
}

function numberOf(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= min && value <= max) return value;
  throw simErrors.badOption({ option: `--${option}`, reason: `${text} is no number from ${min} to ${max}` });
}

/** What all seeds have in common. */
function commonOf(values: Values): Omit<SimOptions, "seed"> {
  const { nodes, hours, profile, proofs } = values;
  const named = values.services === "none" ? [] : values.services?.split(",");
  const unknown = named?.find((name) => !services.some((one) => one === name));
  if (unknown !== undefined) {
    throw simErrors.badOption({
      option: "--services",
      reason: `${unknown} is none of ${services.join(", ")}`,
    });
  }
  if (profile !== undefined && !profiles.some((name) => name === profile)) {
    throw simErrors.badOption({
      option: "--profile",
      reason: `${profile} is none of ${profiles.join(", ")}`,
    });
  }
  if (proofs !== undefined && proofs !== "real" && proofs !== "simulated") {
    throw simErrors.badOption({ option: "--proofs", reason: `${proofs} is neither simulated nor real` });
  }
  return {
    ...(nodes === undefined ? {} : { nodes: numberOf("nodes", nodes, 2, 20) }),
    ...(hours === undefined ? {} : { hours: numberOf("hours", hours, 0.01, 10_000) }),
    ...(profile === undefined ? {} : { profile: profile as Profile }),
    ...(proofs === undefined ? {} : { proofs }),
    ...(named === undefined ? {} : { services: services.filter((one) => named.includes(one)) }),
  };
}

interface TimedReport extends SimReport {
  readonly realMs: number;
}

async function timed(given: SimOptions, onEvent?: (event: SimEvent) => void): Promise<TimedReport> {
  const fromMs = performance.now();
  const report = await simulate(given, onEvent === undefined ? {} : { onEvent });
  return { ...report, realMs: Math.round(performance.now() - fromMs) };
}

/** Shares seeds among children; no new ones once a seed has failed. */
async function runAll(seeds: readonly SimOptions[], jobs: number, done: (report: TimedReport) => boolean) {
  const queue = [...seeds];
  let isFailed = false;
  const work = async (): Promise<void> => {
    const child = fork(fileURLToPath(import.meta.url), ["child"], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    try {
      for (let next = queue.shift(); next !== undefined && !isFailed; next = queue.shift()) {
        const report = await ask(child, next);
        if (!done(report)) isFailed = true;
      }
    } finally {
      child.disconnect();
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, queue.length) }, work));
}

function ask(child: ReturnType<typeof fork>, given: SimOptions): Promise<TimedReport> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void =>
      reject(new TypeError(`the process of seed ${given.seed} has ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (report) => {
      child.off("exit", onExit);
      resolve(report as TimedReport);
    });
    child.send(given);
  });
}

function child(): void {
  process.on("message", (given) => {
    timed(given as SimOptions).then(
      (report) => process.send?.(report),
      (error) => {
        console.error(error);
        process.exitCode = 1;
        process.disconnect();
      },
    );
  });
}

function lineOf(report: TimedReport): string {
  const { options: given, plan, violation, virtualMs, realMs, height, events, tipsets, digest } = report;
  const verdict = violation === undefined ? "ok  " : "FAIL";
  const speed = Math.round(virtualMs / realMs);
  return (
    `${verdict} seed ${given.seed}  ${[plan.profile, ...plan.services].join(" + ")}, ${plan.nodes} nodes` +
    ` (${plan.miners} miners)` +
    `  ${(virtualMs / 60_000).toFixed(0)} min in ${(realMs / 1_000).toFixed(1)} s (${speed}x)` +
    `  height ${height}, ${tipsets} tipsets, ${events} events  ${digest.slice(0, 12)}`
  );
}

function eventLine({ step, atMs, node, kind, detail }: SimEvent): string {
  const seconds = (atMs / 1_000).toFixed(3).padStart(10);
  return `${String(step).padStart(6)} ${seconds} s  ${node.padEnd(9)} ${kind}  ${JSON.stringify(detail)}`;
}

async function report(failed: Repro, path: string, isJson: boolean): Promise<void> {
  await writeFile(path, `${JSON.stringify(failed, null, 2)}\n`);
  if (isJson) return;
  console.log(`\n${failed.invariant} does not hold (seed ${failed.options.seed}, step ${failed.step})`);
  console.log(`  ${failed.node === "" ? "the network" : failed.node}: ${failed.detail}`);
  console.log(`  see it again: npm run sim -- replay ${path}`);
}

async function run(values: Values): Promise<void> {
  const common = commonOf(values);
  const count = numberOf("seeds", values.seeds, 1, 1_000_000);
  const first = numberOf("from", values.from ?? values.seed, 0, Number.MAX_SAFE_INTEGER);
  const jobs = values.jobs === undefined ? availableParallelism() : numberOf("jobs", values.jobs, 1, 256);
  const seeds = Array.from({ length: count }, (_, index) => ({ seed: first + index, ...common }));
  const failures: Repro[] = [];
  let good = 0;
  const done = (one: TimedReport): boolean => {
    const failed = reproOf(one);
    console.log(values.json ? JSON.stringify(one) : lineOf(one));
    if (failed === undefined) good += 1;
    else failures.push(failed);
    return failed === undefined;
  };
  const [only] = seeds;
  const listener = values.log ? (event: SimEvent) => console.log(eventLine(event)) : undefined;
  if (count === 1 && only !== undefined) done(await timed(only, listener));
  else await runAll(seeds, jobs, done);
  const [failed] = failures.sort((a, b) => a.options.seed - b.options.seed);
  if (count > 1 && !values.json) console.log(`${good} of ${count} seeds hold`);
  if (failed === undefined) return;
  await report(failed, values.out, values.json);
  process.exitCode = 1;
}

async function replay(path: string, values: Values): Promise<void> {
  const found: unknown = JSON.parse(await readFile(path, "utf8"));
  if (!isRepro(found)) throw simErrors.badRepro({ path, reason: "its fields are others" });
  const until =
    values.until === undefined ? found.step : numberOf("until", values.until, 1, Number.MAX_SAFE_INTEGER);
  const from = values.from === undefined ? 1 : numberOf("from", values.from, 1, Number.MAX_SAFE_INTEGER);
  const wanted = ({ step, node, kind }: SimEvent): boolean =>
    step >= from &&
    step <= until &&
    (values.node === undefined || node === values.node) &&
    (values.kind === undefined || kind.includes(values.kind));
  const onEvent = (event: SimEvent): void => {
    if (wanted(event)) console.log(values.json ? JSON.stringify(event) : eventLine(event));
  };
  const again = await simulate(found.options, { onEvent, untilStep: until });
  if (until < found.step) return;
  const isSame = again.violation?.step === found.step && again.violation.invariant === found.invariant;
  if (!values.json) {
    console.log(`\n${found.invariant}: ${found.detail}`);
    console.log(
      isSame && again.digest === found.digest
        ? "the same history as when it failed"
        : "another history than when it failed: the sources have changed since",
    );
  }
  process.exitCode = isSame ? 1 : 0;
}

async function main(): Promise<void> {
  const { values, positionals } = parse();
  const [verb, path] = positionals;
  if (values.help) console.log(usage);
  else if (verb === "child") child();
  else if (verb === "replay" && path !== undefined) await replay(path, values);
  else if (verb === undefined) await run(values);
  else throw simErrors.badOption({ option: verb, reason: "there is replay FILE, and nothing else" });
}

try {
  await main();
} catch (error) {
  const isUsage = error instanceof HoldfastError || (error instanceof Error && "code" in error);
  console.error(isUsage && error instanceof Error ? `${error.message}\n\n${usage}` : error);
  process.exitCode = isUsage ? 2 : 1;
}
