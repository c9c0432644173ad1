/** Words of idle space, which need no running node. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/idle.ts");

export const idleCommands: readonly CommandSpec[] = [
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
