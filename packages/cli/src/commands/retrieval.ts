/** Words of finding content, and of giving it to others. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/retrieval.ts");

export const retrievalCommands: readonly CommandSpec[] = [
  {
    path: ["find"],
    summary: "Find who has a file, folder or block, and what it costs there",
    about:
      "Asks every connected peer, and the distributed table of peers where the node takes part in it ([net] kad in its " +
      "config). Miners answer from the index of their pieces, so anything inside a stored folder is found too.",
    examples: ["holdfast find bafybeif…"],
    args: [{ name: "cid", summary: "CID as `holdfast put` and `holdfast ls` print it" }],
    action: async () => (await load()).find,
  },
  {
    path: ["retrieval", "show"],
    summary: "Show what this node gives to others, for how much, and what that has earned",
    examples: ["holdfast retrieval show"],
    action: async () => (await load()).retrievalShow,
  },
  {
    path: ["retrieval", "set"],
    summary: "Change what this node gives to others, and for how much",
    about:
      "Who fetches blocks pays as they come, by vouchers of a payment channel: neither side can lose more than 2 MiB. " +
      "A client reads the copies that it pays the storing of without paying again.\n" +
      "A node that caches fetches from others what it is asked for and does not have, keeps it within `[files] " +
      "quotaBytes`, and gives it on: a retrieval miner, which needs no sectors.",
    examples: [
      "holdfast retrieval set --price 0.05FIL",
      "holdfast retrieval set --cache on --pay-at-most 0.02FIL",
      "holdfast retrieval set --price 0FIL --cache off",
    ],
    options: [
      { flags: "--price <amount>", summary: "what others pay for a GiB; 0FIL: nothing" },
      { flags: "--cache <on|off>", summary: "whether it fetches from others what others want" },
      {
        flags: "--pay-at-most <amount>",
        summary: "what it pays others for a GiB that it caches (at first: nothing)",
      },
    ],
    action: async () => (await load()).retrievalSet,
  },
];
