/** The table of all commands. What is here has help, `--json`, a golden schema and a page in the reference. */
import type { CommandTable } from "../help.ts";
import { attestCommands } from "./attest.ts";
import { chainCommands } from "./chain.ts";
import { channelCommands } from "./channels.ts";
import { dealCommands } from "./deals.ts";
import { doctorCommands } from "./doctor.ts";
import { genesisCommands } from "./genesis.ts";
import { idleCommands } from "./idle.ts";
import { ipfsCommands } from "./ipfs.ts";
import { jobCommands } from "./jobs.ts";
import { keepCommands } from "./keep.ts";
import { launchCommands } from "./launch.ts";
import { lightCommands } from "./light.ts";
import { localPinCommands } from "./local-pins.ts";
import { marketCommands } from "./market.ts";
import { messageCommands } from "./messages.ts";
import { mineKeyCommands } from "./mine-keys.ts";
import { minerCommands } from "./miner.ts";
import { multisigCommands } from "./multisigs.ts";
import { netCommands } from "./net.ts";
import { networkCommands } from "./network.ts";
import { paramsCommands } from "./params.ts";
import { pinNodeCommands } from "./pin-node.ts";
import { pinOrderCommands } from "./pin-orders.ts";
import { proofCommands } from "./proof.ts";
import { recordsCommands } from "./records.ts";
import { retrievalCommands } from "./retrieval.ts";
import { statusCommands } from "./status.ts";
import { storageCommands } from "./storage.ts";
import { storeCommands } from "./store.ts";
import { verifierCommands } from "./verifier.ts";
import { walletCommands } from "./wallet.ts";

export const commandTable: CommandTable = {
  commands: [
    ...launchCommands,
    ...storeCommands,
    ...retrievalCommands,
    ...keepCommands,
    ...dealCommands,
    ...statusCommands,
    ...doctorCommands,
    ...walletCommands,
    ...minerCommands,
    ...jobCommands,
    ...storageCommands,
    ...recordsCommands,
    ...chainCommands,
    ...networkCommands,
    ...lightCommands,
    ...genesisCommands,
    ...messageCommands,
    ...netCommands,
    ...channelCommands,
    ...marketCommands,
    ...multisigCommands,
    ...mineKeyCommands,
    ...ipfsCommands,
    ...localPinCommands,
    ...pinOrderCommands,
    ...pinNodeCommands,
    ...proofCommands,
    ...attestCommands,
    ...idleCommands,
    ...verifierCommands,
    ...paramsCommands,
  ],
  nouns: [
    { noun: "actor", summary: "The actors of the chain" },
    { noun: "address", summary: "Addresses by themselves" },
    { noun: "ask", summary: "What miners charge" },
    { noun: "attest", summary: "Evidence of enclaves by itself" },
    { noun: "car", summary: "Files and folders as CAR files" },
    { noun: "chain", summary: "Tipsets, blocks and money" },
    { noun: "chain bad", summary: "Blocks that this node has refused" },
    { noun: "channel", summary: "Payment channels" },
    { noun: "channel voucher", summary: "What is promised in a channel" },
    { noun: "deal", summary: "One copy of a file at one miner" },
    { noun: "faucet", summary: "Money that a test network gives away" },
    { noun: "genesis", summary: "Founding a network, alone or together" },
    { noun: "idle", summary: "Proven free space of a miner, and by itself" },
    { noun: "ipfs", summary: "Files from and for other programs of IPFS" },
    { noun: "keep", summary: "Files that live longer than their first deals" },
    { noun: "jobs", summary: "What this node has under way: puts, and the jobs of its miner" },
    { noun: "light", summary: "Following a network by its headers, without a node" },
    { noun: "market", summary: "Money that answers for deals" },
    { noun: "message", summary: "Messages to actors" },
    { noun: "mine", summary: "This node's miner" },
    { noun: "mine owner", summary: "Who owns this node's miner" },
    { noun: "mine worker", summary: "The keys that mine" },
    { noun: "multisig", summary: "Accounts that several signers hold together" },
    { noun: "multisig signers", summary: "Who holds a multisig" },
    { noun: "net", summary: "The network of peers" },
    { noun: "network", summary: "What all nodes agree on, and its upgrades" },
    { noun: "params", summary: "Parameters of SNARK circuits" },
    { noun: "piece", summary: "Commitments to data" },
    { noun: "piece inclusion", summary: "Proofs that a sector holds a piece" },
    { noun: "pin", summary: "Content that is kept by its CID" },
    { noun: "pin access", summary: "Who may let this node keep content" },
    { noun: "pin dispute", summary: "What pinning nodes have said and is not believed" },
    { noun: "pin local", summary: "Content that this node keeps" },
    { noun: "pin remote", summary: "Content that pinning services elsewhere keep" },
    { noun: "pin report", summary: "What pinning nodes have said of what they hold" },
    { noun: "pin service", summary: "Pinning services elsewhere" },
    { noun: "pin node", summary: "The network's attested pinning nodes" },
    { noun: "pin program", summary: "What pinning nodes may run" },
    { noun: "proof", summary: "Proofs by themselves" },
    { noun: "retrieval", summary: "Giving content to others" },
    { noun: "sector", summary: "Sealed, proven space" },
    { noun: "storage", summary: "Where this miner's sectors lie: disks and buckets" },
    { noun: "sync", summary: "How this node follows the chain" },
    { noun: "verifier", summary: "Who verifies idle space" },
    { noun: "wallet", summary: "Keys and money" },
  ],
  groups: [
    {
      title: "Everyday commands",
      words: [
        "up",
        "put",
        "get",
        "find",
        "ls",
        "deals",
        "quote",
        "jobs",
        "keep",
        "rm",
        "ask",
        "mine",
        "wallet",
        "status",
        "why",
        "doctor",
        "demo",
      ],
    },
    { title: "Running a node", words: ["init", "join", "daemon", "worker"] },
    {
      title: "Plumbing",
      words: [
        "actor",
        "address",
        "attest",
        "car",
        "chain",
        "channel",
        "completion",
        "deal",
        "faucet",
        "genesis",
        "idle",
        "ipfs",
        "light",
        "message",
        "market",
        "multisig",
        "net",
        "network",
        "params",
        "piece",
        "pin",
        "proof",
        "retrieval",
        "sector",
        "storage",
        "sync",
        "verifier",
      ],
    },
  ],
};
