/** Words of keys, money and addresses. */
import type { CommandSpec } from "../command.ts";
import { noWaitOption, sendOptions } from "./messages.ts";

const load = () => import("../actions/wallet.ts");

const ownAddress = { name: "address", summary: "one of this node's addresses (`holdfast wallet ls`)" };

export const walletCommands: readonly CommandSpec[] = [
  {
    path: ["wallet", "ls"],
    summary: "List this node's addresses and what they hold",
    about: "The default address, marked with *, pays where a command names no other.",
    examples: ["holdfast wallet ls", "holdfast wallet ls --node miner-1"],
    action: async () => (await load()).walletList,
  },
  {
    path: ["wallet", "new"],
    summary: "Make a new key",
    about: "Prints its address. The key stays in the node's keystore, encrypted.",
    examples: ["holdfast wallet new"],
    action: async () => (await load()).walletNew,
  },
  {
    path: ["wallet", "default"],
    summary: "Choose the address that pays where a command names no other",
    examples: ["holdfast wallet default tfq…"],
    args: [ownAddress],
    action: async () => (await load()).walletDefault,
  },
  {
    path: ["wallet", "recipient"],
    summary: "Show to whom `put --encrypt` encrypts the files of an address",
    about:
      "Give it to others who store something for you: `holdfast put FILE --encrypt --recipient age1…`, or with the program " +
      "age. It follows from the address's key, so a backup of that (`holdfast wallet export`) opens the files.",
    examples: ["holdfast wallet recipient"],
    args: [
      { name: "address", summary: "one of this node's addresses (default: the default one)", optional: true },
    ],
    action: async () => (await load()).walletRecipient,
  },
  {
    path: ["wallet", "send"],
    summary: "Send money, and wait until it has arrived",
    about: "A transfer that cannot be paid is refused before it costs anything.",
    examples: [
      "holdfast wallet send tfq… 1.5FIL",
      "holdfast wallet send tfq… 250milliFIL --from tfq… --no-wait",
    ],
    args: [
      { name: "to", summary: "receiving address: fc…, tf…, f1… or t1…" },
      { name: "amount", summary: "such as 0.5FIL; also milliFIL, microFIL, nanoFIL … attoFIL" },
    ],
    options: sendOptions,
    action: async () => (await import("../actions/messages.ts")).walletSend,
  },
  {
    path: ["wallet", "faucet"],
    summary: "Get money of a test network",
    about:
      "Asks this node's own faucet if it has one, or else its peers, and waits until the money is there. A faucet gives " +
      "the same amount every time, and to one address once a day. Where money has a value there is none.",
    examples: [
      "holdfast wallet faucet",
      "holdfast wallet faucet tfq… --from /ip4/10.0.0.5/tcp/6000/p2p/12D3…",
    ],
    args: [
      {
        name: "address",
        summary: "who gets it (default: this node's default address)",
        optional: true,
      },
    ],
    options: [
      {
        flags: "--from <peer>",
        summary: "peer id or multiaddr of the faucet (default: all connected peers)",
      },
      { flags: "--key <text>", summary: "a repeat with the same key gives the same payment" },
      noWaitOption,
    ],
    action: async () => (await import("../actions/faucet.ts")).walletFaucet,
  },
  {
    path: ["faucet", "show"],
    summary: "Show what a faucet of this network gives, and this node's own",
    about:
      "A node serves a faucet with `holdfast daemon --faucet`, or with serve = true under [faucet] in its config.toml. " +
      "The network's genesis must allow it (`holdfast genesis new --faucet`).",
    examples: ["holdfast faucet show", "holdfast faucet show --node bootstrap"],
    action: async () => (await import("../actions/faucet.ts")).faucetShow,
  },
  {
    path: ["wallet", "export"],
    summary: "Print a private key",
    about:
      "Whoever has the printed text owns the money: keep it secret. `holdfast wallet import` and the wallets of " +
      "Filecoin read it. It opens the files that were encrypted, too; with --age the key for these alone is printed, for " +
      "the program age.",
    examples: [
      "holdfast wallet export tfq… > my.key",
      "holdfast get bafybeif… --raw -o - | age -d -i <(holdfast wallet export tfq… --age)",
    ],
    args: [ownAddress],
    options: [{ flags: "--age", summary: "the secret key for encrypted files, as the program age reads it" }],
    action: async () => (await load()).walletExport,
  },
  {
    path: ["wallet", "import"],
    summary: "Take in a private key",
    about:
      "Reads what `holdfast wallet export` and Lotus print, and the wallet files of 2019 (JSON with KeyInfo).",
    examples: ["holdfast wallet import my.key", "lotus wallet export f1… | holdfast wallet import -"],
    args: [{ name: "file", summary: "file with the key; - reads standard input" }],
    action: async () => (await load()).walletImport,
  },
  {
    path: ["address", "inspect"],
    summary: "Take an address apart: network, version, hash, both spellings",
    about:
      "Works without a node. Reads this network's own spelling (fc…, tf…) and Filecoin's f1…, t1… of the same key. " +
      "A typing error is found by the checksum.",
    examples: ["holdfast address inspect fcqguttqgahl6ztde7umgcrc0t4fvdgluhus0sz4w --json"],
    args: [{ name: "address", summary: "the address as text" }],
    connection: "none",
    action: async () => (await import("../actions/address.ts")).addressInspect,
  },
];
