/** Words of what a miner's storage has under way: its jobs, and who does them. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/jobs.ts");
const id = { name: "job", summary: "number of the job" };
const target = { name: "target", summary: "all, kind:KIND such as kind:seal, or worker:ID" };

export const jobCommands: readonly CommandSpec[] = [
  {
    path: ["jobs", "ls"],
    summary: "List a miner's jobs, newest first",
    about:
      "Seals and their proofs, proofs of spacetime, reads, rehearsals. Jobs with a deadline come before all others. A " +
      "job that fails is tried again after a pause, until it has failed as often as it may.",
    examples: ["holdfast jobs ls --node miner-1", "holdfast jobs ls --state failed --kind seal"],
    options: [
      {
        flags: "--state <state>",
        summary: "waiting, running, done, failed or cancelled; may be repeated",
        repeated: true,
      },
      { flags: "--kind <kind>", summary: "such as seal or window-post; may be repeated", repeated: true },
      { flags: "--sector <number>", summary: "about this sector" },
      { flags: "--before <job>", summary: "the page behind this job" },
      { flags: "--limit <count>", summary: "at most so many", initial: "50" },
    ],
    action: async () => (await load()).jobList,
  },
  {
    path: ["jobs", "show"],
    summary: "Show one job and all that happened to it",
    examples: ["holdfast jobs show 17 --node miner-1"],
    args: [id],
    action: async () => (await load()).jobShow,
  },
  {
    path: ["jobs", "retry"],
    summary: "Do a failed or cancelled job again",
    about: "Of a sector's seal, the step that failed is made ready again, and becomes another job.",
    examples: ["holdfast jobs retry 17 --node miner-1"],
    args: [id],
    action: async () => (await load()).jobRetry,
  },
  {
    path: ["jobs", "cancel"],
    summary: "Call a job off, whether it waits or runs",
    examples: ["holdfast jobs cancel 17 --node miner-1"],
    args: [id],
    options: [{ flags: "--reason <text>", summary: "for who looks at it later" }],
    action: async () => (await load()).jobCancel,
  },
  {
    path: ["jobs", "priority"],
    summary: "Have a job done before, or after, others of its kind",
    about:
      "Kinds have an order of their own, what is due soonest comes first within a kind, then the highest priority, then " +
      "the oldest. Jobs have priority 0 unless their node gives them another.",
    examples: ["holdfast jobs priority 17 10 --node miner-1", "holdfast jobs priority 18 -- -10"],
    args: [id, { name: "priority", summary: "a whole number; higher comes first" }],
    action: async () => (await load()).jobPriority,
  },
  {
    path: ["jobs", "cordon"],
    summary: "Let no worker take these jobs any more; what runs goes on",
    examples: [
      "holdfast jobs cordon kind:seal --reason 'the new disk is coming' --node miner-1",
      "holdfast jobs cordon worker:attic-4711-a1b2c3",
    ],
    args: [target],
    options: [{ flags: "--reason <text>", summary: "for who looks at it later" }],
    action: async () => (await load()).jobCordon,
  },
  {
    path: ["jobs", "uncordon"],
    summary: "Take a cordon away",
    examples: ["holdfast jobs uncordon kind:seal --node miner-1"],
    args: [target],
    action: async () => (await load()).jobUncordon,
  },
  {
    path: ["jobs", "workers"],
    summary: "List who takes jobs of this miner, and what is cordoned",
    examples: ["holdfast jobs workers --node miner-1"],
    action: async () => (await load()).jobWorkers,
  },
  {
    path: ["jobs", "watch"],
    summary: "Follow what happens to a miner's jobs or sectors",
    about: "With --as the node remembers how far you are: whoever was away gets what was missed.",
    examples: ["holdfast jobs watch --node miner-1", "holdfast jobs watch --sectors --as billing --json"],
    options: [
      { flags: "--sectors", summary: "moves of sectors instead of jobs" },
      { flags: "--as <name>", summary: "go on where this consumer was" },
      { flags: "--after <cursor>", summary: "begin behind this event" },
    ],
    stream: true,
    action: async () => (await load()).jobWatch,
  },
  {
    path: ["worker"],
    summary: "Take jobs of a miner: seal, prove and unseal for it",
    about:
      "Reads the queue in the folder of a node, which may run or not, or with --db in PostgreSQL; there it needs no " +
      "folder of the node. Any number of workers may run; a job is one worker's at a time, and what one holds that " +
      "dies goes to another, which goes on behind the last whole layer. A worker takes only jobs whose volumes it " +
      "reaches, and says at its start which these are. Keys of buckets come from AWS_ACCESS_KEY_ID and " +
      "AWS_SECRET_ACCESS_KEY, room for files on their way there from TMPDIR. Ctrl-C gives the jobs back.",
    examples: [
      "holdfast worker --repo ./net/miner-1",
      "holdfast worker --repo ./mine --kind seal --parallel 2 --memory 8GiB",
      "holdfast worker --db postgres://miner@db.example/holdfast",
    ],
    options: [
      {
        flags: "--db <url>",
        summary:
          "the queue in PostgreSQL (default: as the folder is configured); then --repo may be left out",
      },
      { flags: "--kind <kind>", summary: "only these kinds; may be repeated (default: all)", repeated: true },
      {
        flags: "--parallel <count>",
        summary: "jobs at a time beside what is urgent (default: one less than the processor has threads)",
      },
      {
        flags: "--memory <size>",
        summary: "memory that its jobs may take (default: as configured)",
      },
    ],
    connection: "repo",
    stream: true,
    action: async () => (await import("../actions/worker.ts")).worker,
  },
];
