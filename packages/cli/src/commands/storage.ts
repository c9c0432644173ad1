/** Words of where a miner's sectors lie: disks and buckets that come and go while it runs. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/storage.ts");
const volume = { name: "volume", summary: "number or place, as `storage ls` shows it" };
const sector = { name: "sector", summary: "number of the sector" };
const settings = [
  { flags: "--max <size>", summary: "use at most so much of it, such as 2TiB; none: as much as it has" },
  { flags: "--for <roles>", summary: "seal, store or seal,store: what it may be used for" },
  { flags: "--weight <number>", summary: "of its free space, when a place for a sector is chosen" },
];

export const storageCommands: readonly CommandSpec[] = [
  {
    path: ["storage", "ls"],
    summary: "Show where sectors lie, how full each volume is, and what is wrong with it",
    about:
      "With --check every file is looked at: each byte has an owner, and what is recorded is what lies there. Files that " +
      "nobody owns are orphans (`storage clean`), files that are none of ours are foreign and stay, and files that are " +
      "recorded and gone are named (`why storage`).",
    examples: ["holdfast storage ls --node miner-1", "holdfast storage ls --check --node miner-1"],
    options: [{ flags: "--check", summary: "walk over every file and say whose it is" }],
    action: async () => (await load()).storageList,
  },
  {
    path: ["storage", "attach"],
    summary: "Add a disk or a bucket, while everything runs",
    about:
      "A folder is named by its full path and is empty; a marker file tells the disk from its mount point. The keys of a " +
      "bucket come from the node's environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY). A disk that is mounted " +
      "elsewhere now is attached again under its new path.",
    examples: [
      "holdfast storage attach /mnt/disk2 --max 2TiB --for seal,store --node miner-1",
      "holdfast storage attach 's3://sectors/miner-1?endpoint=http://127.0.0.1:9000' --for store",
    ],
    args: [
      { name: "place", summary: "full path of a folder, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME" },
    ],
    options: settings,
    action: async () => (await load()).storageAttach,
  },
  {
    path: ["storage", "set"],
    summary: "Change what a volume is for, how much it takes, or whether it takes anything",
    examples: [
      "holdfast storage set /mnt/disk2 --mode read-only",
      "holdfast storage set 2 --weight 10 --max none",
    ],
    args: [volume],
    options: [...settings, { flags: "--mode <mode>", summary: "open, read-only or draining" }],
    action: async () => (await load()).storageSet,
  },
  {
    path: ["storage", "drain"],
    summary: "Move everything away from a volume",
    about:
      "One job that goes on in the background, also over restarts; `storage ls` and `jobs ls` show how far it is. " +
      "`jobs cancel` stops it, and the same word again goes on; `storage set --mode open` gives it up. Files stay readable.",
    examples: ["holdfast storage drain /mnt/disk2 --node miner-1"],
    args: [volume],
    action: async () => (await load()).storageDrain,
  },
  {
    path: ["storage", "detach"],
    summary: "Forget a volume that holds nothing",
    examples: ["holdfast storage detach /mnt/disk2", "holdfast storage detach 3 --lost"],
    args: [volume],
    options: [{ flags: "--lost", summary: "it will never come back: forget what lay there too" }],
    action: async () => (await load()).storageDetach,
  },
  {
    path: ["storage", "move"],
    summary: "Move a sector to a volume",
    examples: ["holdfast storage move 12 /mnt/disk2"],
    args: [sector, volume],
    action: async () => (await load()).storageMove,
  },
  {
    path: ["storage", "check"],
    summary: "Read all files of a sector and say what is wrong with them",
    examples: ["holdfast storage check 12"],
    args: [sector],
    action: async () => (await load()).storageCheck,
  },
  {
    path: ["storage", "repair"],
    summary: "Make lost or damaged files of sectors anew from what is left of them",
    about:
      "Out of the replica, its tree, or the pieces: whichever is whole. Nothing is used that is not the sector's. With " +
      "--all every sector that `why storage` names, as far as it can be mended now. Each is a job: what has begun goes on " +
      "when the command is interrupted.",
    examples: ["holdfast storage repair 12", "holdfast storage repair --all --node miner-1"],
    args: [{ name: "sectors", summary: "numbers of the sectors", many: true, optional: true }],
    options: [{ flags: "--all", summary: "every sector with files that are recorded and gone" }],
    stream: true,
    action: async () => (await import("../actions/storage-repair.ts")).storageRepair,
  },
  {
    path: ["storage", "clean"],
    summary: "Delete files that nobody owns",
    examples: ["holdfast storage clean --node miner-1"],
    action: async () => (await load()).storageClean,
  },
];
