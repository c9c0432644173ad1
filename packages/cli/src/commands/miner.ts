/** Words of mining: asks, the miner's state, sectors. */
import type { CommandSpec } from "../command.ts";

const load = () => import("../actions/miner.ts");

const minerOption = { flags: "--miner <address>", summary: "of another miner, as far as the chain knows it" };

export const minerCommands: readonly CommandSpec[] = [
  {
    path: ["ask", "ls"],
    summary: "List what miners charge, cheapest first",
    examples: ["holdfast ask ls"],
    action: async () => (await load()).askList,
  },
  {
    path: ["ask", "show"],
    summary: "Show what one miner charges, and what it locks for a deal",
    examples: ["holdfast ask show --node miner-1", "holdfast ask show tf0…"],
    args: [{ name: "miner", summary: "address of the miner (default: this node's)", optional: true }],
    action: async () => (await load()).askShow,
  },
  {
    path: ["ask", "quote"],
    summary: "Ask miners what they would take, and for how much",
    about:
      "Each is asked itself: what it says takes its policy into account, and whether it knows you. Nothing is paid and " +
      "nothing is agreed; one that would not take it says why, and what it takes instead.",
    examples: ["holdfast ask quote 10GiB --for 90d", "holdfast ask quote 4MiB --for 30d --miner tf0…"],
    args: [{ name: "size", summary: "of the file, such as 10GiB" }],
    options: [
      { flags: "--for <time>", summary: "how long it is to be kept", initial: "30d" },
      { flags: "--miner <address>", summary: "only this one (default: all that publish a price)" },
      { flags: "--cid <cid>", summary: "of the file, if it is one in particular" },
    ],
    action: async () => (await load()).askQuote,
  },
  {
    path: ["ask", "set"],
    summary: "Publish this miner's price",
    about: "Waits until the ask is in the chain. Deals that were made keep their price.",
    examples: ["holdfast ask set 0.01FIL --min 1KiB --max 32GiB --for 30d --node miner-1"],
    args: [{ name: "price", summary: "for a GiB and a day, such as 0.01FIL" }],
    options: [
      { flags: "--min <size>", summary: "smallest file that is taken (default: as before)" },
      { flags: "--max <size>", summary: "largest file that is taken (default: as before)" },
      {
        flags: "--collateral <percent>",
        summary: "what this miner locks for a deal, of its price (default: as before)",
      },
      {
        flags: "--client-collateral <percent>",
        summary: "what the client locks, of the price (default: as before)",
      },
      { flags: "--for <time>", summary: "how long the offer stands (default: 30d)" },
    ],
    action: async () => (await load()).askSet,
  },
  {
    path: ["mine", "status"],
    summary: "Is this miner earning, and if not, why",
    about: "Judged from the last proof on the chain, never from the process being up.",
    examples: ["holdfast mine status --node miner-1"],
    action: async () => (await load()).mineStatus,
  },
  {
    path: ["sector", "ls"],
    summary: "List sectors and when each was last proven",
    about: "Those of this node's miner with what lies on its disk, or of any miner as the chain knows it.",
    examples: ["holdfast sector ls --node miner-1", "holdfast sector ls --miner tfq… --after 99"],
    options: [
      minerOption,
      { flags: "--limit <count>", summary: "at most this many", initial: "100" },
      { flags: "--after <number>", summary: "begin above this number" },
    ],
    action: async () => (await load()).sectorList,
  },
  {
    path: ["sector", "show"],
    summary: "Show one sector and its pieces",
    examples: ["holdfast sector show 3 --node miner-1"],
    args: [{ name: "number", summary: "number of the sector" }],
    options: [minerOption],
    action: async () => (await load()).sectorShow,
  },
];
