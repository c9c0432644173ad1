/** Words of changing deals that are under way. */
import type { CommandSpec } from "../command.ts";
import { keyOption, noWaitOption } from "./messages.ts";

const load = () => import("../actions/deals.ts");
const deal = { name: "deal", summary: "its id, or its last characters as `holdfast deals` prints them" };

export const dealCommands: readonly CommandSpec[] = [
  {
    path: ["deal", "extend"],
    summary: "Let a deal live longer",
    about:
      "The miner is asked first; if it agrees, the deal's channel gets the price of the added time at the miner's ask, " +
      "and the miner brings the new end onto the chain. Where it is, `holdfast deal show` says. What was paid for an " +
      "extension that came to nothing comes back by itself.",
    examples: [
      "holdfast deal extend bafy2bzaced… --for 30d",
      "holdfast deal extend bafy2bzaced… --until 120000",
    ],
    args: [deal],
    options: [
      { flags: "--for <time>", summary: "the time to add to the end that the deal has" },
      { flags: "--until <height>", summary: "the new end, as a height of the chain" },
      { flags: "--max-price <amount>", summary: "ask for nothing if the added time costs more" },
      keyOption,
    ],
    action: async () => (await load()).dealExtend,
  },
  {
    path: ["deal", "release"],
    summary: "End a deal early, if its miner agrees",
    about:
      "The miner is paid what it has earned, both sides have their collaterals back, and the rest of the channel comes " +
      "back. The miner may then delete the file.",
    examples: ["holdfast deal release bafy2bzaced…"],
    args: [deal],
    options: [keyOption],
    action: async () => (await load()).dealRelease,
  },
  {
    path: ["deal", "import"],
    summary: "Bring the data of a deal to this miner",
    about:
      "For deals of `holdfast put --transfer offline`, whose data does not come over the network. The file is what " +
      "`holdfast car export` writes at the client. It is checked against the deal's commitments; a wrong or broken one " +
      "harms nothing, and the right one goes on behind the pieces that are here.",
    examples: [
      "holdfast deal import bafy2bzaced… /media/disk/archive.car --node miner-1",
      "ssh client cat archive.car | holdfast deal import bafy2bzaced… -",
    ],
    args: [deal, { name: "file", summary: "the CAR file; - is standard input" }],
    action: async () => (await import("../actions/cars.ts")).dealImport,
  },
  {
    path: ["deal", "redeem"],
    summary: "Redeem the voucher of a deal that is due",
    about:
      "The node of a miner does this by itself where it holds the owner's key. Where a multisig owns the miner, this " +
      "proposes it; the other signers approve (`holdfast multisig approve`).",
    examples: ["holdfast deal redeem bafy2bzaced… --node miner-1"],
    args: [deal],
    options: [noWaitOption],
    action: async () => (await load()).dealRedeem,
  },
  {
    path: ["deal", "policy"],
    summary: "Show or choose which deals, and changes of deals, this miner takes",
    about:
      "Prices and sizes are those of the ask (`holdfast ask set`). A client is told why it is refused, and what would be " +
      "taken, before it pays anything. A program can judge each deal too: `mining.dealHook` in the configuration names " +
      'it; it is given one JSON object and prints another, `{"accept": false, "reason": "…"}`. A miner that takes ' +
      "an extension is paid at its ask of the day, and locks its share of the added price.",
    examples: [
      "holdfast deal policy",
      "holdfast deal policy --min-for 30d --deny tf0… --duplicates no",
      "holdfast deal policy --verified tf0…,tf0… --verified-percent 50",
      "holdfast deal policy --deals closed --extend no --release yes",
    ],
    options: [
      { flags: "--deals <open or closed>", summary: "whether it takes new deals" },
      { flags: "--min-for <time>", summary: "the shortest deal; none: the network's bound" },
      { flags: "--max-for <time>", summary: "the longest deal; none: the network's bound" },
      { flags: "--allow <addresses>", summary: "only these clients, parted by commas; none: all" },
      { flags: "--deny <addresses>", summary: "not these clients; none: an empty list" },
      { flags: "--verified <addresses>", summary: "clients that the operator knows; none: an empty list" },
      { flags: "--verified-only <yes or no>", summary: "whether only these may store here" },
      { flags: "--verified-percent <percent>", summary: "what these pay, of the ask" },
      { flags: "--duplicates <yes or no>", summary: "whether a client may store the same file here twice" },
      { flags: "--http <yes or no>", summary: "whether data is fetched from web servers that clients name" },
      {
        flags: "--offline <yes or no>",
        summary: "whether data may be carried here (`holdfast deal import`)",
      },
      { flags: "--extend <yes or no>", summary: "whether clients may let deals live longer" },
      { flags: "--release <yes or no>", summary: "whether clients may end deals early" },
    ],
    action: async () => (await load()).dealPolicy,
  },
];
