/** Words of idle space: a miner's own, and by itself, without a running node. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/idle.ts");
const loadSpace = () => import("../actions/idle-space.ts");

export const idleCommands: readonly CommandSpec[] = [
  {
    path: ["idle", "status"],
    summary: "Show what a miner's idle space is, and what is under way",
    examples: ["holdfast idle status --node miner-1"],
    action: async () => (await loadSpace()).idleStatus,
  },
  {
    path: ["idle", "fill"],
    summary: "Fill what is free on a miner's volumes with files that prove it",
    about:
      "Proven idle space earns less than the space of deals, and gives way when a deal needs room. Files are made in the " +
      "background, layer by layer, and made again where they are damaged; `idle status` shows how far it is. What it " +
      "takes is part of what `storage ls` shows.",
    examples: [
      "holdfast idle fill --node miner-1",
      "holdfast idle fill --max 500GiB --threads 4 --memory 8GiB --node miner-1",
    ],
    options: [
      { flags: "--max <size>", summary: "take at most so much; none: all that is free" },
      { flags: "--threads <count>", summary: "make so many layers at a time" },
      { flags: "--memory <size>", summary: "of memory for making them, at most" },
    ],
    action: async () => (await loadSpace()).idleFill,
  },
  {
    path: ["idle", "drain"],
    summary: "Give idle space back, on the chain before on the disk, and take no more",
    about: "Without a size all of it. `idle fill` begins again.",
    examples: ["holdfast idle drain --node miner-1", "holdfast idle drain 100GiB --node miner-1"],
    args: [{ name: "size", summary: "give back so much", optional: true }],
    action: async () => (await loadSpace()).idleDrain,
  },
  {
    path: ["idle", "labels"],
    summary: "Make a set of idle files by hand",
    about:
      "For comparing with other programs: profile cess makes the files of CESS's proof of idle space, bit for bit, and " +
      "prints their Merkle roots, layer after layer and in each cluster after cluster, and the hash over them. No network " +
      "of ours accepts this profile.\n" +
      "The public network has k = 8, n = 1048576, d = 64 and 32 clusters: 16 GiB stay of such a set, and with --keep, " +
      "which keeps the intermediate layers too, 32 GiB are written.",
    examples: [
      "holdfast idle labels --profile cess --miner-id 00…1f --k 2 --n 512 --d 2 --set-clusters 2 --start-cluster 1",
      "holdfast idle labels --profile cess --miner-id 00…1f --k 8 --n 1024 --d 4 --set-clusters 32 --start-cluster 1 " +
        "--keep idle-files-1 --json",
    ],
    options: [
      { flags: "--profile <profile>", summary: "cess", required: true },
      { flags: "--miner-id <hex>", summary: "whose files they are: 32 bytes", required: true },
      {
        flags: "--k <count>",
        summary: "intermediate layers, and files that stay of a cluster",
        required: true,
      },
      { flags: "--n <count>", summary: "labels in a file: a power of two", required: true },
      { flags: "--d <count>", summary: "parents drawn for a label: a power of two", required: true },
      { flags: "--set-clusters <count>", summary: "clusters of the set", required: true },
      { flags: "--start-cluster <number>", summary: "its first cluster, from 1", required: true },
      {
        flags: "--keep <folder>",
        summary: "write the files into a new folder, laid out as the original does",
      },
    ],
    connection: "none",
    action: async () => (await load()).idleLabels,
  },
  {
    path: ["idle", "prime"],
    summary: "Hash elements to primes, as the accumulator of profile cess does",
    examples: ["holdfast idle prime 616263 000001"],
    args: [{ name: "elements", summary: "bytes in hex", many: true }],
    connection: "none",
    action: async () => (await load()).idlePrime,
  },
  {
    path: ["idle", "accumulate"],
    summary: "Add elements to an RSA accumulator of profile cess",
    about:
      "One level: prints the value of the empty accumulator, which is G, and the value after each element.",
    examples: ["holdfast idle accumulate --key c7970ceedcc3b075…,4 elements.txt"],
    args: [{ name: "file", summary: "elements in hex, one in a line; - reads standard input" }],
    options: [{ flags: "--key <N,G>", summary: "modulus and base in hex", required: true }],
    connection: "none",
    action: async () => (await load()).idleAccumulate,
  },
];
