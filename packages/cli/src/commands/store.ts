/** Words of storing and reading back. */
import type { CommandSpec, OptionSpec } from "../command.ts";

const load = () => import("../actions/store.ts");

const copiesOption: OptionSpec = { flags: "--copies <count>", summary: "at how many miners", initial: "2" };
const forOption: OptionSpec = {
  flags: "--for <time>",
  summary: "how long it must be kept, such as 90d or 12h",
  initial: "30d",
};

const spreadOption: OptionSpec = {
  flags: "--spread <what>",
  summary: "over different miners, or miners of different operators (default: operators)",
};

const maxPriceOption: OptionSpec = {
  flags: "--max-price <amount>",
  summary: "what fetching may cost, such as 0.1FIL (default: only what is free is fetched)",
};

const limitOption = { flags: "--limit <count>", summary: "at most this many", initial: "100" };

export const storeCommands: readonly CommandSpec[] = [
  {
    path: ["put"],
    summary: "Store a file or folder, and wait until it is proven and read back",
    about:
      "Picks miners by price, funds a payment channel for each copy, hands the bytes over, waits for the first " +
      "proofs on the chain, reads every copy back and compares. Miners are paid bit by bit, and only while they " +
      "prove. The receipt that it leaves says where every piece is. Several files and folders become one folder; - is " +
      "standard input.\n" +
      "Whoever knows the CID can read what is stored, unless you --encrypt it: then only this node's wallet can, by " +
      "itself when you `get` it; its names, its contents and their types are hidden, its size is not.\n" +
      "With --renew its deals live on, term after term, until you say otherwise; with --repair a copy that a miner " +
      "loses is made again elsewhere. Both stay within a price: see `holdfast keep`.\n" +
      "Data comes to a miner over the node's own streams, from a web server in ranges, or on a disk that you carry: with " +
      "`--transfer offline` write it with `holdfast car export CID FILE`, and at the miner `holdfast deal import DEAL FILE`.\n" +
      "A file has the CID that `ipfs add --cid-version=1` gives it; with --cid-version, --raw-leaves and --chunk-size, that " +
      "of `ipfs add` with the same options.\n" +
      "Interrupted? Run the same command again: the node went on meanwhile, and what was done is kept.",
    examples: [
      "holdfast put photo.jpg",
      "holdfast put photo.jpg --copies 3 --for 90d --max-price 0.5FIL",
      "holdfast put holiday/ --skip-hidden --encrypt",
      "holdfast put taxes/ --copies 3 --spread operators --renew --repair --max-price 0.5FIL",
      "tar -c src | holdfast put - --name src.tar",
      "holdfast put archive/ --copies 1 --transfer offline",
      "holdfast put photo.jpg --transfer https://files.example.org/{cid}.car",
      "holdfast put photo.jpg --cid-version 0",
      "holdfast put photo.jpg --json",
    ],
    args: [{ name: "file", summary: "the files and folders to store; - is standard input", many: true }],
    options: [
      copiesOption,
      forOption,
      {
        flags: "--max-price <amount>",
        summary: "refuse if all copies together cost more, such as 0.5FIL; also for each later term",
      },
      spreadOption,
      { flags: "--renew", summary: "let it live on for another term before each end" },
      { flags: "--repair", summary: "make lost copies again, at other miners" },
      {
        flags: "--transfer <how>",
        summary:
          "how miners get the data: stream, http (from this node's gateway), offline (you carry it), or the URL of its " +
          "CAR file, {cid} standing for the CID (default: stream)",
      },
      { flags: "--allow-duplicates", summary: "also at miners that keep this file for you already" },
      {
        flags: "--encrypt",
        summary: "only the key in this node's wallet opens it (default: anybody can read it)",
      },
      { flags: "--recipient <age1…>", summary: "who else can open what is encrypted", repeated: true },
      { flags: "--cid-version <0 or 1>", summary: "of the CIDs, as `ipfs add` has it (default: 1)" },
      {
        flags: "--raw-leaves <true or false>",
        summary:
          "whether leaves are bytes alone, as `ipfs add` has it (default: true, with --cid-version 0 false)",
      },
      {
        flags: "--chunk-size <size>",
        summary: "of the leaves, as `ipfs add --chunker` has it: 1MiB at most (default: 256KiB)",
      },
      { flags: "--yes", summary: "do not ask whether small chunks are worth what they cost" },
      { flags: "--name <text>", summary: "the name that it is listed under (default: the file's)" },
      { flags: "--skip-hidden", summary: "of a folder: leave out names that begin with a dot" },
      {
        flags: "--receipt <file>",
        summary:
          "where to leave the receipt (default: FILE.receipt.json, or JOB.receipt.json; no other put's is replaced)",
      },
      { flags: "--force", summary: "replace what lies where --receipt says, whatever it is" },
      { flags: "--key <text>", summary: "a repeat with the same key is the same job, also when it is over" },
    ],
    stream: true,
    action: async () => (await load()).put,
  },
  {
    path: ["get"],
    summary: "Fetch a file or folder from whichever miner answers best",
    about:
      "Every block is verified against the CID before it is written. A path or a range costs its own blocks and no " +
      "others. Blocks come from several miners at once, from those that take nothing for them if there are any. Interrupted? Run it again: a file goes on from " +
      "what is there, a folder begins anew. Into a folder that is there already, it goes under its own name. Of a " +
      "folder, symbolic links are left out; `-o -` gives it as a tar stream, with them. What was encrypted is " +
      "decrypted, if a key of this node opens it.",
    examples: [
      "holdfast get bafybeif… -o photo.jpg",
      "holdfast get bafybeif…/holiday/beach.jpg",
      "holdfast get bafybeif… --range 0-1023 -o head.bin",
      "holdfast get bafybeif… --max-price 0.1FIL",
      "holdfast get bafybeif… -o - | tar -x",
    ],
    args: [
      { name: "cid", summary: "CID as `holdfast put` and `holdfast ls` print it; in a folder CID/PATH" },
    ],
    options: [
      {
        flags: "-o, --output <file>",
        summary: "file or folder to write to; - is standard output (default: the CID)",
      },
      {
        flags: "--range <bytes>",
        summary: "of a file, from the first byte to the last: 0-1023, or 4096- to the end",
      },
      { flags: "--raw", summary: "as it is stored: what is encrypted stays so (the program age reads it)" },
      { flags: "-f, --force", summary: "replace a file that exists" },
      maxPriceOption,
    ],
    action: async () => (await load()).get,
  },
  {
    path: ["ls"],
    summary: "List the files that this node has stored, or what is in a folder",
    examples: ["holdfast ls", "holdfast ls --limit 20", "holdfast ls bafybeif…/holiday"],
    args: [{ name: "cid", summary: "a folder: CID, or CID/PATH", optional: true }],
    options: [
      maxPriceOption,
      { flags: "--after <cid>", summary: "of the files: begin behind this one, the last of the page before" },
      limitOption,
    ],
    action: async () => (await load()).files,
  },
  {
    path: ["deals"],
    summary: "List the deals of this node, as client and as miner",
    about: "A deal is one copy of one file at one miner.",
    examples: ["holdfast deals", "holdfast deals --as miner --limit 20", "holdfast deals --node miner-1"],
    options: [
      { flags: "--as <client or miner>", summary: "only those in which this node is that" },
      { flags: "--after <role/id>", summary: "begin behind this deal, the last of the page before" },
      limitOption,
    ],
    action: async () => (await load()).deals,
  },
  {
    path: ["deal", "show"],
    summary: "Show a deal, its pieces, payments and history",
    examples: ["holdfast deal show bafy2bzaced…"],
    args: [{ name: "id", summary: "id of the deal, or its last characters as `holdfast deals` prints them" }],
    action: async () => (await load()).dealShow,
  },
  {
    path: ["quote"],
    summary: "Show what storing a file or folder would cost, miner by miner",
    about: "Nothing is sent or paid.",
    examples: ["holdfast quote photo.jpg --copies 3 --for 90d", "holdfast quote 10GiB"],
    args: [{ name: "file", summary: "a file, or a size such as 10GiB" }],
    options: [copiesOption, forOption, spreadOption],
    action: async () => (await load()).quote,
  },
  {
    path: ["jobs", "puts"],
    summary: "List the puts of this node, finished and running",
    examples: ["holdfast jobs puts", "holdfast jobs puts --limit 20 --json"],
    options: [
      { flags: "--after <job>", summary: "begin behind this put, the last of the page before" },
      limitOption,
    ],
    isDefault: true,
    action: async () => (await load()).jobs,
  },
];
