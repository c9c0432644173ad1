/** `holdfast worker`: this process takes jobs of a miner until it is told to end. */
import { z } from "zod";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { plural, sizeText } from "../human-text.ts";
import { oneOf, optionList, optionNumber, optionText, sizeWithUnit } from "../input.ts";
import { facts } from "../layout.ts";
import { repoOf } from "../repo-option.ts";
import { jobKinds } from "./jobs.ts";
import { openNodeDoor } from "./launch.ts";

/** Whoever names a folder beside a database wants what it configures. */
function isFolderNamed(context: CommandContext, input: CommandInput): boolean {
  return optionText(input, "repo") !== undefined || context.env.HOLDFAST_REPO !== undefined;
}

const workerView = z.object({
  workerId: z.string(),
  /** Whose jobs it does; null: whoever starts a node with this database first. */
  miner: z.string().nullable(),
  /** Null: the database is all that it knows. */
  repo: z.string().nullable(),
  reaches: z.array(z.string()),
  doesNotReach: z.array(z.object({ place: z.string(), reason: z.string() })),
  /** What has to happen before there can be a job for it; null: nothing. */
  waitsFor: z.string().nullable(),
  kinds: z.array(z.string()),
  parallel: z.number(),
  memoryBytes: z.number(),
});

const noMiner =
  "a miner that uses this queue: none has said which volumes it has " +
  "(`holdfast daemon --db URL` for a new one, `holdfast storage migrate URL` for one that has sectors)";

export const worker = action({
  result: workerView,
  async *run(context, input) {
    const kinds = optionList(input, "kind").map((word) => oneOf(word, jobKinds, "--kind"));
    const parallel = optionNumber(input, "parallel", { least: 1, most: 256 });
    const memory = optionText(input, "memory");
    const memoryBytes = memory === undefined ? undefined : sizeWithUnit(memory, "--memory");
    const database = optionText(input, "db");
    const repo = database === undefined || isFolderNamed(context, input) ? repoOf(context, input) : undefined;
    const { startWorker } = await openNodeDoor();
    await using running = await startWorker({
      ...(repo === undefined ? {} : { repo }),
      ...(database === undefined ? {} : { database }),
      ...(kinds.length === 0 ? {} : { kinds }),
      ...(parallel === undefined ? {} : { parallel }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    });
    const { workerId, capacity } = running.runner;
    yield {
      workerId,
      miner: running.miner ?? null,
      repo: repo ?? null,
      reaches: [...running.reaches],
      doesNotReach: [...running.doesNotReach],
      waitsFor: running.reaches.length + running.doesNotReach.length === 0 ? noMiner : null,
      kinds: [...running.kinds],
      parallel: capacity.cpus,
      memoryBytes: capacity.memoryBytes,
    };
    await new Promise<void>((done) => {
      if (context.signal.aborted) done();
      else context.signal.addEventListener("abort", () => done(), { once: true });
    });
    context.terminal.hint("giving jobs back …");
  },
  render: ({ workerId, miner, repo, reaches, doesNotReach, waitsFor, kinds, parallel, memoryBytes }) =>
    facts([
      ["worker", workerId],
      ["takes", kinds.join(", ")],
      ["of", miner ?? repo ?? "the miner of the database"],
      ...(waitsFor === null ? [] : [["waits for", waitsFor] satisfies [string, string]]),
      ...(reaches.length === 0 ? [] : [["reaches", reaches.join(", ")] satisfies [string, string]]),
      ...doesNotReach.map(({ reason }): [string, string] => ["leaves to others", reason]),
      ["at a time", `${plural(parallel, "job")}, ${sizeText(memoryBytes)} of memory`],
      ["stop", "Ctrl-C"],
    ]),
});
