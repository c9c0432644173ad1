/** Words of keeping files for longer than their first deals. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/keep.ts");

export const keepCommands: readonly CommandSpec[] = [
  {
    path: ["keep", "ls"],
    summary: "List the files that are renewed and repaired by themselves",
    about:
      "A copy that nears its end is renewed: its deal is extended, or another one is made. One that a miner loses, does not " +
      "prove for a proving period, or twice does not give a random block of, is made again at another. The node must run " +
      "for that, and it spends no more for a term of all copies than the limit: the put's --max-price, or twice what the " +
      "first term cost.",
    examples: ["holdfast keep ls"],
    options: [
      { flags: "--after <job>", summary: "begin behind this put, the last of the page before" },
      { flags: "--limit <count>", summary: "at most this many", initial: "100" },
    ],
    isDefault: true,
    action: async () => (await load()).keepList,
  },
  {
    path: ["keep", "set"],
    summary: "Change whether a stored file is renewed and repaired, and for how much",
    examples: [
      "holdfast keep set put-3 --renew no",
      "holdfast keep set put-3 --renew yes --repair yes --max-price 2FIL",
    ],
    args: [{ name: "job", summary: "the put, as `holdfast jobs puts` and `holdfast keep` print it" }],
    options: [
      { flags: "--renew <yes or no>", summary: "whether it lives on for another term before each end" },
      { flags: "--repair <yes or no>", summary: "whether lost copies are made again" },
      { flags: "--max-price <amount>", summary: "what all copies together may cost for one term" },
    ],
    action: async () => (await load()).keepSet,
  },
  {
    path: ["rm"],
    summary: "Remove this node's own copy of a file",
    about: "The copies at miners stay, and `holdfast get` fetches from them. Blocks of other files stay too.",
    examples: ["holdfast rm bafybeif…"],
    args: [{ name: "cid", summary: "CID as `holdfast ls` prints it" }],
    action: async () => (await load()).remove,
  },
];
