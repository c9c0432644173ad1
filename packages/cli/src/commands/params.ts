/** Words of parameters: what SNARKs are made and checked with. */
import type { ArgumentSpec, CommandSpec, OptionSpec } from "../command.ts";

const load = () => import("../actions/params.ts");

const folderOption: OptionSpec = {
  flags: "--dir <folder>",
  summary: "the parameter folder (HOLDFAST_PARAMS; default: ~/.holdfast/params)",
};
const listOption: OptionSpec = {
  flags: "--json-file <file>",
  summary: "the list of published parameters",
  initial: "parameters.json",
};
const idsArgument: ArgumentSpec = {
  name: "ids",
  summary: "sets by the beginnings of their ids, as `holdfast params ls` prints them (default: all)",
  optional: true,
  many: true,
};

export const paramsCommands: readonly CommandSpec[] = [
  {
    path: ["params", "cache"],
    summary: "Make the parameters of circuits that are not there yet",
    about:
      "A sector size has three circuits: of seals, of window and of winning proofs. Their parameters are named by the " +
      "hash of their constraints, so a changed circuit never finds old ones. Without --contributors one party makes " +
      "them, who could forge proofs: good for devnets. With contributors each adds randomness of its own, and the " +
      "parameters are sound if one of them was honest; the beacon, public randomness that nobody could choose, ends " +
      "each phase. They all draw it in this one process, so the parameters are worth as much as this machine.",
    examples: [
      "holdfast params cache",
      "holdfast params cache --sector-bytes 2KiB --circuit seal --contributors alice,bob --beacon 5d…e1",
    ],
    options: [
      { flags: "--sector-bytes <size>", summary: "size of the sectors", initial: "2KiB" },
      {
        flags: "--kind <kind>",
        summary: "zigzag, or zigzag-blake2s, whose circuits of seals are 15 times as large",
        initial: "zigzag",
      },
      {
        flags: "--circuit <use>",
        summary: "seal, window or winning; may be repeated (default: all three)",
        repeated: true,
      },
      { flags: "--contributors <names>", summary: "who contributes, such as alice,bob" },
      { flags: "--beacon <hex>", summary: "public randomness for the end of each phase, 32 bytes" },
      folderOption,
    ],
    connection: "none",
    action: async () => (await load()).paramsCache,
  },
  {
    path: ["params", "ls"],
    summary: "List the parameters on this machine",
    examples: ["holdfast params ls"],
    options: [folderOption],
    connection: "none",
    action: async () => (await load()).paramsList,
  },
  {
    path: ["params", "verify"],
    summary: "Verify parameters: digests, circuit, every point, and who made them",
    about:
      "Makes the circuit anew and checks that the files belong to it; with a transcript, every contribution of the " +
      "ceremony is checked. Ends with exit code 5 if a check fails.",
    examples: [
      "holdfast params verify --all",
      "holdfast params verify v1-post-3f0…",
      "holdfast params verify mirror/v1-post-3f0….params",
    ],
    args: [
      {
        name: "what",
        summary: "a file of a set, or the beginning of an id (`holdfast params ls`)",
        optional: true,
      },
    ],
    options: [{ flags: "--all", summary: "every set of the folder" }, folderOption],
    connection: "none",
    stream: true,
    action: async () => (await load()).paramsVerify,
  },
  {
    path: ["params", "publish"],
    summary: "Add parameters to IPFS, and to the list that others fetch by",
    about:
      "The files are added through the running node, or through the RPC of any IPFS node with --ipfs-api. The list " +
      "gets an entry for each: CID, BLAKE2b-256 digest, size and sector size. Entries of other files stay.",
    examples: [
      "holdfast params publish",
      "holdfast params publish v1-post-3f0… --ipfs-api http://127.0.0.1:5001",
    ],
    args: [idsArgument],
    options: [
      listOption,
      { flags: "--ipfs-api <url>", summary: "RPC of an IPFS node, such as http://127.0.0.1:5001" },
      folderOption,
    ],
    action: async () => (await load()).paramsPublish,
  },
  {
    path: ["params", "fetch"],
    summary: "Fetch published parameters, and check every digest",
    about:
      "Sources are asked in the order in which they are given: IPFS gateways and plain servers by URL, folders, and " +
      "without --from the running node. Interrupted? Run it again: it goes on from what is there. A file with " +
      "another digest than the list says is kept under the name …-invalid-digest.",
    examples: [
      "holdfast params fetch --from https://ipfs.io --from https://dweb.link",
      "holdfast params fetch --json-file release/parameters.json --sector-bytes 2KiB --from /mnt/mirror",
    ],
    args: [
      {
        name: "names",
        summary: "files by the beginnings of their names (default: all)",
        optional: true,
        many: true,
      },
    ],
    options: [
      listOption,
      { flags: "--from <source>", summary: "a URL or a folder; may be repeated", repeated: true },
      { flags: "--sector-bytes <size>", summary: "only those for sectors of this size" },
      folderOption,
    ],
    stream: true,
    action: async () => (await load()).paramsFetch,
  },
];
