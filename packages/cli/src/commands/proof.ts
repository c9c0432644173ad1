/** Words of pieces and proofs, which need no running node. */
import type { CommandSpec, OptionSpec } from "../command.ts";

const loadPieces = () => import("../actions/piece.ts");
const loadProofs = () => import("../actions/proof.ts");

const sectorOption: OptionSpec = {
  flags: "--sector-bytes <size>",
  summary: "size of the sector, padded, such as 2KiB",
  required: true,
};
const proofFileArgument = { name: "file", summary: "proof file (JSON); - reads standard input" };

export const proofCommands: readonly CommandSpec[] = [
  {
    path: ["piece", "commp"],
    summary: "Compute the piece commitment of a file",
    about:
      "commP is the root of the SHA-256 tree over the file, padded as sectors pad it; the piece CID is the same as " +
      "every Filecoin tool computes. Files of any size: the memory that it takes does not grow with them.",
    examples: ["holdfast piece commp photo.jpg", "tar -c folder | holdfast piece commp - --json"],
    args: [{ name: "file", summary: "the file; - reads standard input" }],
    connection: "none",
    action: async () => (await loadPieces()).pieceCommp,
  },
  {
    path: ["piece", "aggregate"],
    summary: "Put many small pieces into one, each with a proof of its own",
    about:
      "One deal for many files: the pieces lie one behind the other, an index at the end says where (FRC-0058). With " +
      "--proofs every owner gets a file that `holdfast piece inclusion verify` takes; with --out the aggregate " +
      "itself is written, ready to be stored. The largest first leaves the fewest gaps.",
    examples: [
      "holdfast piece aggregate large.bin small.bin tiny.bin --out all.bin --proofs proofs",
      "holdfast piece aggregate baga6ea4seaq…:2048 baga6ea4seaq…:128 --json",
    ],
    args: [{ name: "pieces", summary: "files, or CID:SIZE, in the order of the aggregate", many: true }],
    options: [
      { flags: "--padded-bytes <size>", summary: "size of the aggregate (default: the smallest that fits)" },
      { flags: "-o, --out <file>", summary: "write the aggregate; all pieces must be files" },
      { flags: "--proofs <folder>", summary: "write a proof file for each piece" },
      { flags: "-f, --force", summary: "replace files that exist" },
    ],
    connection: "none",
    action: async () => (await import("../actions/aggregate.ts")).pieceAggregate,
  },
  {
    path: ["piece", "inclusion", "prove"],
    summary: "Prove that a sector holds a piece",
    about:
      "Lays the pieces out in the order in which they are given, each at a multiple of its own size, as sectors do, " +
      "and proves that one of them lies under the sector's commitment, commD. A piece is a file, or what is known of " +
      "it: its CID and its padded size, as `holdfast piece commp` prints them. The proof needs no data.",
    examples: [
      "holdfast piece inclusion prove a.bin b.bin c.bin --sector-bytes 64KiB --piece b.bin --out b.proof.json",
      "holdfast piece inclusion prove a.bin baga6ea4seaq…:2048 --sector-bytes 64KiB --piece 1",
    ],
    args: [{ name: "pieces", summary: "files, or CID:SIZE, in the order of the sector", many: true }],
    options: [
      sectorOption,
      {
        flags: "--piece <which>",
        summary: "the piece to prove: its place in the list, from 0, or the word that stands there",
        initial: "0",
      },
      { flags: "-o, --out <file>", summary: "write the proof file" },
      { flags: "-f, --force", summary: "replace a file that exists" },
    ],
    connection: "none",
    action: async () => (await loadPieces()).inclusionProve,
  },
  {
    path: ["piece", "inclusion", "verify"],
    summary: "Verify a proof that a sector or an aggregate holds a piece",
    about:
      "Says what was checked. Ends with exit code 5 if the proof does not hold, or if it is about another piece or " +
      "another sector or aggregate than the options say.",
    examples: [
      "holdfast piece inclusion verify b.proof.json",
      "holdfast piece inclusion verify b.proof.json --piece b.bin --comm-d baga6ea4seaq…",
    ],
    args: [proofFileArgument],
    options: [
      { flags: "--piece <piece>", summary: "the piece that it must be about: a file or a piece CID" },
      {
        flags: "--comm-d <commitment>",
        summary: "the sector's commD, or the aggregate's commP, that it must be about: hex or a CID",
      },
    ],
    connection: "none",
    action: async () => (await loadPieces()).inclusionVerify,
  },
  {
    path: ["proof", "seal"],
    summary: "Seal one sector by hand",
    about:
      "Prints the commitments, the challenges and the SHA-256 of the replica. Kinds: zigzag is what our networks " +
      "seal with; sdr is Filecoin's seal of today and zigzag-2019 that of rust-fil-proofs of May 2019, bit for bit, " +
      "for comparing with other programs. Data is padded as sectors pad it; what is missing is zero, what is too " +
      "much is refused.\n" +
      "The prover id has 31 bytes for zigzag-2019 (or 32, the last one zero) and 32 for sdr; for zigzag it is the " +
      "miner's address, as text or as its 22 bytes in hex.\n" +
      "Memory: zigzag and sdr take 2.3 sectors and 150 MB (750 MB for a sector of 256 MiB, 2.5 GB for 1 GiB; zigzag " +
      "without the native kernels one sector more), zigzag-2019 4.4 sectors and 270 MB. Disk, besides the " +
      "replica: until a zigzag proof is made 2 sectors and 1.15 for each layer (3.6 GB for a sector of 256 MiB), for sdr one sector; " +
      "up to 64 MiB stay in memory.",
    examples: [
      "holdfast proof seal --kind zigzag --sector-bytes 2KiB --data photo.jpg --prover-id tfq… --sector-id 3 " +
        "--seed 01…01 --out sector-3.proof.json",
      "holdfast proof seal --kind sdr --sector-bytes 2KiB --data photo.jpg --prover-id 00…00 --sector-id 0 --json",
    ],
    options: [
      { flags: "--kind <kind>", summary: "zigzag, sdr or zigzag-2019", required: true },
      sectorOption,
      { flags: "--data <file>", summary: "what is sealed; - reads standard input", required: true },
      { flags: "--prover-id <id>", summary: "whose sector it is: hex, or an address", required: true },
      { flags: "--sector-id <number>", summary: "number of the sector", required: true },
      {
        flags: "--ticket <hex>",
        summary: "32 bytes of chain randomness from before sealing (default: zeros)",
      },
      {
        flags: "--seed <hex>",
        summary: "32 bytes of chain randomness from after it, for zigzag and sdr (default: no challenges)",
      },
      { flags: "--network-id <hex>", summary: "zigzag: 32 bytes that name the network (default: zeros)" },
      { flags: "--porep-id <hex>", summary: "sdr: 32 bytes that choose the graph (default: zeros)" },
      {
        flags: "--api-version <version>",
        summary: "sdr: 1.0 or 1.1 (default: what Filecoin has for the proof type in the porep id)",
      },
      { flags: "--out-replica <file>", summary: "keep the replica" },
      {
        flags: "--scratch <folder>",
        summary: "where large sectors keep what the proof needs (default: beside the replica or the proof)",
      },
      {
        flags: "-o, --out <file>",
        summary: "zigzag: prove it too, and write a file for `holdfast proof verify`",
      },
      { flags: "-f, --force", summary: "replace files that exist" },
    ],
    connection: "none",
    action: async () => (await import("../actions/seal.ts")).proofSeal,
  },
  {
    path: ["proof", "circuit"],
    summary: "Count the constraints of circuits, part by part",
    about:
      "Of seals, window and winning proofs of a sector size, in the shapes that the table of sector sizes gives them, " +
      "beside the figures of the originals. Nothing is proven: the circuits are run and counted.",
    examples: [
      "holdfast proof circuit --kind zigzag --sector-bytes 2KiB",
      "holdfast proof circuit --kind sdr --sector-bytes 2KiB --circuit seal --challenges 1 --json",
    ],
    options: [
      {
        flags: "--kind <kind>",
        summary: "zigzag (keys by Poseidon), zigzag-blake2s or sdr",
        required: true,
      },
      sectorOption,
      {
        flags: "--circuit <use>",
        summary: "seal, window or winning; may be repeated (default: all three)",
        repeated: true,
      },
      { flags: "--challenges <count>", summary: "challenges in one seal proof (default: the table's)" },
    ],
    connection: "none",
    action: async () => (await import("../actions/circuit.ts")).proofCircuit,
  },
  {
    path: ["proof", "verify"],
    summary: "Verify a proof file: a zigzag seal, or the inclusion of a piece",
    about:
      "Reads the statement and the proof, verifies it as the chain would, and says what was checked. Whether the " +
      "statement is about your sector, your data and your network is for you to compare. Ends with exit code 5 if " +
      "the proof does not hold.",
    examples: ["holdfast proof verify sector-3.proof.json"],
    args: [proofFileArgument],
    connection: "none",
    action: async () => (await loadProofs()).proofVerify,
  },
];
