/** Words of the commands that become a node: `up`, `demo`, `init`, `daemon`. */
import type { CommandSpec, OptionSpec } from "../command.ts";

const load = () => import("../actions/launch.ts");

const roundOption: OptionSpec = {
  flags: "--round <time>",
  summary: "time between blocks (default: 1s; 6s with groth16, whose proofs take seconds)",
};
const sectorOption = (initial: string): OptionSpec => ({
  flags: "--sector <size>",
  summary:
    "size of the miners' sectors: 1KiB, 2KiB, 4KiB, 16KiB, 64KiB, 256KiB, 1MiB or 8MiB; with groth16 2KiB, " +
    "16KiB, 64KiB or 256KiB; with sdr 2KiB, 16KiB, 256KiB or 8MiB " +
    `(default: ${initial}; 2KiB with groth16, 256KiB with sdr)`,
});
const proofModeOption: OptionSpec = {
  flags: "--proof-mode <mode>",
  summary: "vanilla: the Merkle proofs themselves; groth16: SNARKs, with parameters made on the first use",
  initial: "vanilla",
};
const porepOption: OptionSpec = {
  flags: "--porep <kind>",
  summary: "how sectors are sealed: zigzag, or sdr as in Filecoin (with vanilla proofs)",
  initial: "zigzag",
};
const passphrase =
  "With HOLDFAST_PASSPHRASE set, the keys are encrypted with it, and it is needed at every start.";

const nodeOptions: readonly OptionSpec[] = [
  {
    flags: "--bootstrap <multiaddr>",
    summary: "address of a peer to begin with; may be repeated",
    repeated: true,
  },
  {
    flags: "--listen <multiaddr>",
    summary: "where peers can dial this node; may be repeated",
    repeated: true,
  },
  {
    flags: "--announce <multiaddr>",
    summary: "what to tell others instead, such as a forwarded port; may be repeated",
    repeated: true,
  },
  { flags: "--name <name>", summary: "name of the node", initial: "holdfast" },
];

export const launchCommands: readonly CommandSpec[] = [
  {
    path: ["up"],
    summary: "Run a whole storage network on this machine",
    about:
      "A bootstrap node, some storage miners and a client, each a full node with its own folder, keys and sockets. " +
      "The other commands find it by themselves. Ctrl-C stops it; nothing is left behind unless --state names a " +
      "folder, where it goes on the next time.",
    examples: [
      "holdfast up",
      "holdfast up --state ./net --round 500ms --miners 5",
      "holdfast up --proof-mode groth16",
    ],
    options: [
      {
        flags: "--state <dir>",
        summary: "keep the network in this folder, or continue the one that is there",
      },
      roundOption,
      { flags: "--miners <count>", summary: "how many storage miners", initial: "3" },
      {
        flags: "--verifiers <count>",
        summary: "how many nodes verify idle space, which the network counts if there are any",
        initial: "0",
      },
      {
        flags: "--pinning-nodes <count>",
        summary: "how many attested pinning nodes, by evidence of software, of which `pin add` buys",
        initial: "0",
      },
      sectorOption("64KiB"),
      proofModeOption,
      porepOption,
      {
        flags: "--workers <count>",
        summary: "processes of each miner that seal, prove and unseal; 0: threads that all share",
        initial: "0",
      },
      {
        flags: "--port <number>",
        summary: "port of the client's API; 0 takes any free one",
        initial: "3453",
      },
    ],
    connection: "none",
    stream: true,
    action: async () => (await load()).up,
  },
  {
    path: ["demo"],
    summary: "The whole story in a minute: a file stored, proven, paid for and read back",
    about:
      "Starts a network in a temporary folder, stores a file at several miners, watches the chain until every sector " +
      "is proven and the first payments are made, fetches the file on another node, compares, adds up all money, and " +
      "leaves nothing behind. Every step is checked; if one does not hold, it says so and fails.",
    examples: ["holdfast demo", "holdfast demo photo.jpg --copies 3", "holdfast demo --proof-mode groth16"],
    args: [
      {
        name: "file",
        summary: "file to store (default: 1 MiB of random bytes, 1 KiB with groth16)",
        optional: true,
      },
    ],
    options: [
      { flags: "--copies <count>", summary: "at how many of the three miners", initial: "2" },
      roundOption,
      sectorOption("256KiB"),
      proofModeOption,
      porepOption,
    ],
    connection: "none",
    action: async () => (await load()).demo,
  },
  {
    path: ["init"],
    summary: "Make the folder of a node that joins a network",
    about:
      "The genesis file is what makes a network: take it from any node of it (genesis.car in its folder), or let an " +
      "invitation fetch it (--join, or `holdfast join`). The network is then joined with `holdfast daemon`.\n" +
      passphrase,
    examples: [
      "holdfast init --repo ./mine --genesis genesis.car --bootstrap /ip4/10.0.0.5/tcp/6000/p2p/12D3…",
      "holdfast init --repo ./mine --join holdfast1x…",
      "holdfast init --repo ./mine --network club.network",
    ],
    options: [
      { flags: "--network <file>", summary: "the network's file, as `holdfast genesis finish` makes it" },
      { flags: "--genesis <file>", summary: "genesis file of the network" },
      { flags: "--join <invitation>", summary: "what `holdfast net invite` prints on a node of the network" },
      ...nodeOptions,
    ],
    connection: "repo",
    action: async () => (await load()).init,
  },
  {
    path: ["join"],
    summary: "Make the folder of a node from an invitation",
    about:
      "An invitation is what `holdfast net invite` prints on any node of the network. One of the peers that it names " +
      "must be reachable: the genesis comes from there, and is checked against the CID in the invitation. Then " +
      `\`holdfast daemon\` is a member of the network. ${passphrase}`,
    examples: ["holdfast join holdfast1x…", "holdfast join holdfast1x… --repo ./mine --name attic"],
    args: [{ name: "invitation", summary: "the text, all of it; - reads it from standard input" }],
    options: nodeOptions,
    connection: "repo",
    action: async () => (await load()).join,
  },
  {
    path: ["daemon"],
    summary: "Run one node on its folder",
    about:
      "The folder is made by `holdfast init`, or is one of those that `holdfast up --state DIR` keeps. Runs until " +
      `Ctrl-C; its log goes to standard error. ${passphrase}`,
    examples: ["holdfast daemon --repo ./mine", "holdfast daemon --repo ./net/miner-1 --listen 127.0.0.1:0"],
    options: [
      { flags: "--listen <address>", summary: "loopback address of the API (default: as configured)" },
      {
        flags: "--db <url>",
        summary:
          "records of sectors and jobs in PostgreSQL: postgres://USER@HOST/DATABASE (default: as configured)",
      },
      { flags: "--offline", summary: "do not talk to peers" },
      { flags: "--faucet", summary: "give test money to whoever asks (default: as configured)" },
      {
        flags: "--verifier",
        summary:
          "verify idle space, which counts where the network has admitted the account (default: as configured)",
      },
      {
        flags: "--sole-miner",
        summary: "do not look first whether another node mines with the same keys: you know that none does",
      },
      {
        flags: "--snapshot <file>",
        summary: "begin with this file if the repo has no chain yet (see `holdfast chain export`)",
      },
      {
        flags: "--checkpoint <tipset>",
        summary: "follow only a chain that contains CID[,CID…]@HEIGHT (default: as configured)",
      },
      {
        flags: "--blob <bucket>",
        summary: "seal and keep sectors at s3://BUCKET/PREFIX?endpoint=URL (default: as configured)",
      },
    ],
    connection: "repo",
    stream: true,
    action: async () => (await load()).daemon,
  },
];
