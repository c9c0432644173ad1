/** Words of storing and reading back. */
import type { CommandSpec, OptionSpec } from "../command.ts";

const load = () => import("../actions/store.ts");

const copiesOption: OptionSpec = { flags: "--copies <count>", summary: "at how many miners", initial: "2" };
const forOption: OptionSpec = {
  flags: "--for <time>",
  summary: "how long it must be kept, such as 90d or 12h",
  initial: "30d",
};

export const storeCommands: readonly CommandSpec[] = [
  {
    path: ["put"],
    summary: "Store a file or folder, and wait until it is proven and read back",
    about:
      "Picks miners by price, funds a payment channel for each copy, hands the bytes over, waits for the first " +
      "proofs on the chain, reads every copy back and compares. Miners are paid bit by bit, and only while they " +
      "prove. The receipt that it leaves says where every piece is.\n" +
      "Interrupted? Run the same command again: the node went on meanwhile, and what was done is kept.",
    examples: [
      "holdfast put photo.jpg",
      "holdfast put photo.jpg --copies 3 --for 90d --max-price 0.5FIL",
      "holdfast put holiday/ --skip-hidden",
      "holdfast put photo.jpg --json",
    ],
    args: [{ name: "file", summary: "the file or folder to store" }],
    options: [
      copiesOption,
      forOption,
      { flags: "--max-price <amount>", summary: "refuse if all copies together cost more, such as 0.5FIL" },
      { flags: "--skip-hidden", summary: "of a folder: leave out names that begin with a dot" },
      { flags: "--receipt <file>", summary: "where to leave the receipt (default: FILE.receipt.json)" },
      { flags: "--key <text>", summary: "a repeat with the same key is the same job, also when it is over" },
    ],
    stream: true,
    action: async () => (await load()).put,
  },
  {
    path: ["get"],
    summary: "Fetch a file or folder from whichever miner answers best",
    about:
      "Every block is verified against the CID before it is written. Interrupted? Run it again: a file goes on from " +
      "what is there, a folder begins anew. Into a folder that is there already, it goes under its own name. Of a " +
      "folder, symbolic links are left out; `-o -` gives it as a tar stream, with them.",
    examples: [
      "holdfast get bafybeif… -o photo.jpg",
      "holdfast get bafybeif…/holiday/beach.jpg",
      "holdfast get bafybeif… --range 0-1023 -o head.bin",
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
      { flags: "-f, --force", summary: "replace a file that exists" },
    ],
    action: async () => (await load()).get,
  },
  {
    path: ["ls"],
    summary: "List the files that this node has stored, or what is in a folder",
    examples: ["holdfast ls", "holdfast ls bafybeif…/holiday"],
    args: [{ name: "cid", summary: "a folder: CID, or CID/PATH", optional: true }],
    action: async () => (await load()).files,
  },
  {
    path: ["deals"],
    summary: "List the deals of this node, as client and as miner",
    about: "A deal is one copy of one file at one miner.",
    examples: ["holdfast deals", "holdfast deals --node miner-1"],
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
    options: [copiesOption, forOption],
    action: async () => (await load()).quote,
  },
  {
    path: ["jobs"],
    summary: "List the puts of this node, finished and running",
    examples: ["holdfast jobs"],
    action: async () => (await load()).jobs,
  },
];
