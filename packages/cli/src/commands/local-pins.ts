/** Words of keeping content by its CID: on this node, for others who have access, and at services elsewhere. */
import type { CommandSpec, OptionSpec } from "../command.ts";

const loadPins = () => import("../actions/local-pins.ts");
const loadServices = () => import("../actions/pin-services.ts");

const pinArgument = { name: "id", summary: "id of the pin (`pin local ls`)" };
const nameOption: OptionSpec = { flags: "--name <text>", summary: "what to call it" };
const stateOption: OptionSpec = {
  flags: "--state <state>",
  summary: "queued, pinning, pinned or failed; may be repeated (default: all)",
  repeated: true,
};
const limitOption: OptionSpec = { flags: "--limit <count>", summary: "at most so many", initial: "100" };
const serviceOption: OptionSpec = {
  flags: "--service <name>",
  summary: "the pinning service (`pin service ls`)",
  required: true,
};

const ownCommands: readonly CommandSpec[] = [
  {
    path: ["pin", "local", "add"],
    summary: "Keep what a CID names on this node, fetched from whoever has it",
    about:
      "Every block that the CID leads to is fetched and checked; files, folders and any other tree of raw, dag-pb and " +
      "dag-cbor. It is tried again, after longer and longer pauses, until somebody has it. Nothing is paid: to buy pinning " +
      "from the network's nodes is another command.",
    examples: [
      "holdfast pin local add bafybeif… --name photos",
      "holdfast pin local add bafybeif… --origin /ip4/127.0.0.1/tcp/4001/p2p/12D3KooW… --for 30d",
    ],
    args: [{ name: "cid", summary: "CID of what to keep" }],
    options: [
      nameOption,
      {
        flags: "--origin <multiaddr>",
        summary: "a peer that has it; may be repeated (default: the peers that are connected)",
        repeated: true,
      },
      { flags: "--priority <number>", summary: "higher ones first, 0 to 100", initial: "0" },
      { flags: "--for <time>", summary: "remove it after this time (default: never)" },
      { flags: "--max <size>", summary: "refuse it if it is larger" },
    ],
    action: async () => (await loadPins()).pinAdd,
  },
  {
    path: ["pin", "local", "ls"],
    summary: "List what this node keeps or is to keep, newest first",
    examples: [
      "holdfast pin local ls",
      "holdfast pin local ls --state failed",
      "holdfast pin local ls --name photo",
    ],
    options: [
      stateOption,
      { flags: "--name <text>", summary: "only those with this in their name" },
      { flags: "--account <name>", summary: "only those of one who has access; `node` are this node's own" },
      limitOption,
    ],
    isDefault: true,
    action: async () => (await loadPins()).pinList,
  },
  {
    path: ["pin", "local", "show"],
    summary: "Show one pin: how far it is, and why it failed",
    examples: ["holdfast pin local show 6f1c…"],
    args: [pinArgument],
    action: async () => (await loadPins()).pinShow,
  },
  {
    path: ["pin", "local", "rm"],
    summary: "Keep something no longer; blocks that no other pin needs are removed",
    examples: ["holdfast pin local rm 6f1c…"],
    args: [pinArgument],
    action: async () => (await loadPins()).pinRemove,
  },
  {
    path: ["pin", "local", "retry"],
    summary: "Look for all blocks of a pin anew, now",
    about: "For one that failed, and for one whose blocks a disk has lost.",
    examples: ["holdfast pin local retry 6f1c…"],
    args: [pinArgument],
    action: async () => (await loadPins()).pinRetry,
  },
  {
    path: ["pin", "local", "gc"],
    summary: "Remove blocks that no pin needs, left by a process that was killed",
    about: "With a Kubo daemon this is its own garbage collection: all that is not pinned there goes.",
    examples: ["holdfast pin local gc"],
    action: async () => (await loadPins()).pinCollect,
  },
  {
    path: ["pin", "local", "status"],
    summary: "Show where pinned content lies and how much of it there is",
    examples: ["holdfast pin local status"],
    action: async () => (await loadPins()).pinStatus,
  },
];

const accessCommands: readonly CommandSpec[] = [
  {
    path: ["pin", "access", "new"],
    summary: "Let somebody keep content on this node by the IPFS Pinning Service API",
    about:
      "Prints a token, this once. Any program that speaks the API uses it: `ipfs pin remote service add NAME URL TOKEN`. " +
      "The service listens on loopback unless pins.listen in config.toml says otherwise; put TLS in front of it before " +
      "others reach it.",
    examples: ["holdfast pin access new alice --max 50GiB"],
    args: [{ name: "name", summary: "for whom: letters, digits, dots, dashes" }],
    options: [{ flags: "--max <size>", summary: "all of it together (default: what there is)" }],
    action: async () => (await loadServices()).accessNew,
  },
  {
    path: ["pin", "access", "ls"],
    summary: "List who has access, and what they keep",
    examples: ["holdfast pin access ls"],
    isDefault: true,
    action: async () => (await loadServices()).accessList,
  },
  {
    path: ["pin", "access", "rm"],
    summary: "End an access; what it keeps stays until you remove it",
    examples: ["holdfast pin access rm alice"],
    args: [{ name: "name", summary: "whose (`pin access ls`)" }],
    action: async () => (await loadServices()).accessRemove,
  },
];

const serviceCommands: readonly CommandSpec[] = [
  {
    path: ["pin", "service", "add"],
    summary: "Remember a pinning service elsewhere",
    about:
      "The token is read from standard input and kept in this node's database, which only its user can read.",
    examples: ["holdfast pin service add backup https://pins.example/psa < token.txt"],
    args: [
      { name: "name", summary: "what to call it" },
      { name: "url", summary: "where its API is, without /pins" },
    ],
    action: async () => (await loadServices()).serviceAdd,
  },
  {
    path: ["pin", "service", "ls"],
    summary: "List the pinning services that this node knows",
    examples: ["holdfast pin service ls"],
    isDefault: true,
    action: async () => (await loadServices()).serviceList,
  },
  {
    path: ["pin", "service", "rm"],
    summary: "Forget a pinning service; what it keeps stays there",
    examples: ["holdfast pin service rm backup"],
    args: [{ name: "name", summary: "which (`pin service ls`)" }],
    action: async () => (await loadServices()).serviceRemove,
  },
];

const remoteCommands: readonly CommandSpec[] = [
  {
    path: ["pin", "remote", "add"],
    summary: "Let a pinning service keep what a CID names",
    about: "This node's addresses are told as the origin, so that the service can fetch it from here.",
    examples: ["holdfast pin remote add bafybeif… --service backup --name photos --wait"],
    args: [{ name: "cid", summary: "CID of what to keep" }],
    options: [
      serviceOption,
      nameOption,
      { flags: "--wait", summary: "until the service has it, or says that it cannot" },
    ],
    action: async () => (await loadServices()).remoteAdd,
  },
  {
    path: ["pin", "remote", "ls"],
    summary: "List what a pinning service keeps, newest first",
    examples: ["holdfast pin remote ls --service backup"],
    options: [
      serviceOption,
      stateOption,
      { flags: "--name <text>", summary: "only of this name" },
      limitOption,
    ],
    action: async () => (await loadServices()).remoteList,
  },
  {
    path: ["pin", "remote", "rm"],
    summary: "End a pin at a pinning service",
    examples: ["holdfast pin remote rm 6f1c… --service backup"],
    args: [{ name: "id", summary: "id of the pin (`pin remote ls`)" }],
    options: [serviceOption],
    action: async () => (await loadServices()).remoteRemove,
  },
];

export const localPinCommands: readonly CommandSpec[] = [
  ...ownCommands,
  ...accessCommands,
  ...serviceCommands,
  ...remoteCommands,
];
