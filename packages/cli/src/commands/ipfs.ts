/** Words of exchanging files with other programs of IPFS. */
import type { CommandSpec } from "../command.ts";

const loadIpfs = () => import("../actions/ipfs.ts");
const loadCars = () => import("../actions/cars.ts");

export const ipfsCommands: readonly CommandSpec[] = [
  {
    path: ["ipfs", "status"],
    summary: "Show how other programs of IPFS reach this node, and what they were given",
    about:
      "Every node gives the blocks of its files by bitswap to whoever connects and knows their CID, and over HTTP to " +
      "programs of this machine (`gateway.listen` in config.toml). A stock Kubo fetches them after " +
      "`ipfs swarm connect ADDRESS`.",
    examples: ["holdfast ipfs status"],
    isDefault: true,
    action: async () => (await loadIpfs()).ipfsStatus,
  },
  {
    path: ["ipfs", "pull"],
    summary: "Fetch a file or folder from other programs of IPFS and keep it",
    about:
      "From peers by bitswap and from gateways over HTTP; nobody is believed, every block is checked against its CID. " +
      "Interrupted? Run it again: what arrived is kept. Afterwards the file is as good as one that was imported here: " +
      "`get` reads it, and it can be stored with miners.",
    examples: [
      "holdfast ipfs pull bafybeif…",
      "holdfast ipfs pull bafybeif… --from /ip4/127.0.0.1/tcp/4001/p2p/12D3KooW…",
      "holdfast ipfs pull bafybeif… --from http://127.0.0.1:8080",
    ],
    args: [{ name: "cid", summary: "CID of the file or folder" }],
    options: [
      {
        flags: "--from <place>",
        summary:
          "a peer's multiaddr or a gateway's URL; may be repeated (default: the peers that are connected)",
        repeated: true,
      },
    ],
    stream: true,
    action: async () => (await loadIpfs()).ipfsPull,
  },
  {
    path: ["car", "import"],
    summary: "Keep the files and folders of a CAR file",
    about:
      "Version 1 and 2. Every block is checked, and every root must be whole; blocks that no root leads to are not kept.",
    examples: ["holdfast car import photos.car", "ipfs dag export bafybeif… | holdfast car import -"],
    args: [{ name: "file", summary: "the CAR file; - is standard input" }],
    action: async () => (await loadCars()).carImport,
  },
  {
    path: ["car", "export"],
    summary: "Write a file or folder as a CAR file",
    about:
      "Depth first, each block once, so that the same CID gives the same bytes everywhere. Version 2 has an index at its " +
      "end. What is not here is fetched from miners first.",
    examples: ["holdfast car export bafybeif… photos.car", "holdfast car export bafybeif… photos.car --v2"],
    args: [
      { name: "cid", summary: "CID of the file or folder" },
      { name: "file", summary: "the file to write; it must not exist" },
    ],
    options: [{ flags: "--v2", summary: "version 2, with an index" }],
    action: async () => (await loadCars()).carExport,
  },
  {
    path: ["car", "ls"],
    summary: "Check a CAR file and list what is in it",
    about: "Needs no node. Ends with an error at the first block that does not match its CID.",
    examples: ["holdfast car ls photos.car", "holdfast car ls photos.car --json"],
    args: [{ name: "file", summary: "the CAR file; - is standard input" }],
    connection: "none",
    stream: true,
    action: async () => (await loadCars()).carList,
  },
];
