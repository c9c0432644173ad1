/** Words of pinning that is bought from the network's attested nodes. */
import type { ArgumentSpec, CommandSpec, OptionSpec } from "../command.ts";
import { keyOption, noWaitOption } from "./messages.ts";

const load = () => import("../actions/pin-orders.ts");
const loadPrograms = () => import("../actions/pin-programs.ts");

const order: ArgumentSpec = { name: "order", summary: "number of the order (`pin ls`)" };
const node: ArgumentSpec = { name: "node", summary: "number of the node (`pin node ls`)" };
const fromOption: OptionSpec = {
  flags: "--from <address>",
  summary: "who sends it (default: the wallet's default address)",
};
const startOption: OptionSpec = { flags: "--start <number>", summary: "the first number to look at" };
const sends: readonly OptionSpec[] = [fromOption, keyOption, noWaitOption];

export const pinOrderCommands: readonly CommandSpec[] = [
  {
    path: ["pin", "add"],
    summary: "Buy pinning of a CID, a file or a folder from the network's attested nodes",
    about:
      "A file or a folder is taken in by this node first, from which the others fetch it. The chain draws the nodes from those that have room and take the price. Each reports once in every slot of the " +
      "network and is paid by its right answers; what is not earned comes back at the end. The nodes must be able to " +
      "fetch a CID from this node or from anybody. To keep something on this node alone is `pin local add`.",
    examples: [
      "holdfast pin add ./album",
      "holdfast pin add ./album --wait-for-nodes 1m",
      "holdfast pin add bafybeif… --size 10MiB",
      "holdfast pin add bafybeif… --size 2GiB --nodes 5 --for 90d --price 0.02FIL",
    ],
    args: [{ name: "content", summary: "CID, or path of a file or folder" }],
    options: [
      {
        flags: "--size <size>",
        summary: "of all its blocks together, at least (default: counted, of a file or folder)",
      },
      { flags: "--nodes <count>", summary: "how many shall hold it", initial: "3" },
      { flags: "--for <time>", summary: "how long", initial: "30d" },
      { flags: "--price <amount>", summary: "for a GiB and a day of one node", initial: "0.01FIL" },
      {
        flags: "--wait-for-nodes <time>",
        summary: "as long as fewer nodes have joined, have room and take the price, wait so long for others",
      },
      ...sends,
    ],
    action: async () => (await load()).pinBuy,
  },
  {
    path: ["pin", "ls"],
    summary: "List orders of pinning on the chain, and how well they are held",
    about: "`held` and `partly` are of the last reports that the chain has taken.",
    examples: ["holdfast pin ls", "holdfast pin ls bafybeif…", "holdfast pin ls --buyer tfq…"],
    args: [{ name: "cid", summary: "only orders of this CID", optional: true }],
    options: [{ flags: "--buyer <address>", summary: "only orders of this account" }, startOption],
    action: async () => (await load()).pinOrders,
  },
  {
    path: ["pin", "status"],
    summary: "Show one order of pinning: which nodes hold it, since when they were not heard",
    examples: ["holdfast pin status 12"],
    args: [order],
    action: async () => (await load()).pinOrderStatus,
  },
  {
    path: ["pin", "extend"],
    summary: "Pay for more time of an order",
    examples: ["holdfast pin extend 12 --for 30d"],
    args: [order],
    options: [{ flags: "--for <time>", summary: "how much longer", initial: "30d" }, ...sends],
    action: async () => (await load()).pinExtend,
  },
  {
    path: ["pin", "rm"],
    summary: "End an order after this slot; what is not used comes back",
    examples: ["holdfast pin rm 12"],
    args: [order],
    options: sends,
    action: async () => (await load()).pinEnd,
  },
  {
    path: ["pin", "settle"],
    summary: "Credit nodes with what they have earned; orders that have ended are closed",
    about:
      "Anybody may, at any time: what is owed follows from the reports on the chain and does not depend on when.",
    examples: ["holdfast pin settle 12 13"],
    args: [{ name: "orders", summary: "numbers of orders", many: true }],
    options: sends,
    action: async () => (await load()).pinSettle,
  },
  {
    path: ["pin", "ask"],
    summary: "Make nodes show an order of yours on the chain",
    about:
      "The chain draws a walk through the content, and the node has to show its blocks. If it does, it is paid at once and " +
      "gets your deposit. If not, it loses the order and all of its pay that is held back, and another is drawn; this node " +
      "closes it by itself. It also looks at your orders in each slot, off the chain and for nothing (`pin status`), and asks " +
      "by itself if config.toml says `[pins] mayAsk = true`.",
    examples: ["holdfast pin ask 12", "holdfast pin ask 12 3"],
    args: [
      order,
      {
        name: "holder",
        summary: "number of the only node to ask (default: each that holds it)",
        optional: true,
      },
    ],
    options: [keyOption, noWaitOption],
    stream: true,
    action: async () => (await import("../actions/pin-ask.ts")).pinAsk,
  },
  {
    path: ["pin", "repair"],
    summary:
      "Draw nodes for the places of those that left, were expelled, keep silent or did not show it when asked",
    examples: ["holdfast pin repair 12"],
    args: [order],
    options: sends,
    action: async () => (await load()).pinRepair,
  },
  {
    path: ["pin", "node", "ls"],
    summary: "List the network's pinning nodes: what they attest, and how they report",
    examples: ["holdfast pin node ls", "holdfast pin node ls --operator tfq…"],
    options: [{ flags: "--operator <address>", summary: "only nodes of this account" }, startOption],
    action: async () => (await load()).pinNodes,
  },
  {
    path: ["pin", "node", "show"],
    summary: "Show one pinning node as the chain has it",
    examples: ["holdfast pin node show 3"],
    args: [node],
    action: async () => (await load()).pinNodeShow,
  },
  {
    path: ["pin", "node", "claim"],
    summary: "Take what a node of this wallet has earned in settled orders",
    examples: ["holdfast pin node claim 3"],
    args: [node],
    options: [keyOption, noWaitOption],
    action: async () => (await load()).pinClaim,
  },
  {
    path: ["pin", "ledger"],
    summary: "Read from a contract of another chain what it wants to be pinned",
    about:
      "Asks any node of that chain for the contract's events, from the block of its creation to so many blocks below the " +
      "head, and lists what follows: a CID is wanted until its last account has removed it or its time is over. Sizes are " +
      "claims. Nothing is pinned by this.",
    examples: [
      "holdfast pin ledger --rpc https://polygon.example --contract resource-manager --address 0x05b0… --from-block 23425248",
    ],
    options: [
      { flags: "--rpc <url>", summary: "JSON-RPC of a node of that chain", required: true },
      {
        flags: "--contract <kind>",
        summary: "resource-manager, content-tracer or content-id-registry",
        required: true,
      },
      { flags: "--address <address>", summary: "of the contract, 0x and 20 bytes in hex", required: true },
      { flags: "--from-block <number>", summary: "first block to read", required: true },
      {
        flags: "--to-block <number>",
        summary: "last block to read (default: the head, less the confirmations)",
      },
      {
        flags: "--confirmations <count>",
        summary: "blocks below the head that are left out",
        initial: "128",
      },
    ],
    action: async () => (await import("../actions/pin-ledger.ts")).pinLedger,
  },
  {
    path: ["pin", "program", "ls"],
    summary: "List the programs that pinning nodes may run",
    examples: ["holdfast pin program ls"],
    action: async () => (await loadPrograms()).pinPrograms,
  },
  {
    path: ["pin", "program", "set"],
    summary: "List a program, or move its end, in the name of the network's authority",
    about:
      "The authority is the network's upgrade authority, an account or a multisig, to which it is proposed. An end at " +
      "the present height revokes the program. A new version is listed beside the old one, so that nodes can go over.\n" +
      "What is asked of the platforms that it runs on holds for evidence from then on: a node that was admitted shows " +
      "new evidence within `pinEvidenceEpochs`. Without these options it stays as it is listed.",
    examples: [
      "holdfast pin program set 3f9a… --kind sgx-dcap --name 'holdfast 0.2.0' --until 900000 --least-evaluation 19",
      "holdfast pin program set 77c0… --kind sev-snp --until 900000 --firmware Milan:snp=24,ucode=219",
    ],
    args: [{ name: "program", summary: "what evidence measures of it, 32 bytes in hex (`attest quote`)" }],
    options: [
      { flags: "--kind <kind>", summary: "sgx-dcap, tdx, sev-snp or software", initial: "sgx-dcap" },
      { flags: "--name <text>", summary: "what to call it" },
      { flags: "--until <height>", summary: "first height at which it may run no more", required: true },
      {
        flags: "--least-evaluation <number>",
        summary:
          "Intel: TCB info and identity must be of this evaluation (tcbEvaluationDataNumber) or a later one",
      },
      {
        flags: "--tcb-status <status>",
        summary:
          "Intel: a status of the platform that is taken, such as UpToDate; may be repeated (default: all that " +
          "`attest verify` takes)",
        repeated: true,
      },
      {
        flags: "--firmware <line:versions>",
        summary:
          "AMD: a line of products that is taken, with the least versions of its firmware; may be repeated (default: " +
          "any of Milan, Genoa and Turin)",
        repeated: true,
      },
      { flags: "--any-platform", summary: "lift what is asked of its platforms" },
      keyOption,
      noWaitOption,
    ],
    action: async () => (await loadPrograms()).pinProgramSet,
  },
];
