/**
 * Proof files: JSON with a statement and the proof of it, strict and bounded. They come from strangers: every
 * field has its length, nothing is left over, and bytes are written in one way only, lower-case hex.
 */
import { isUtf8 } from "node:buffer";
import { z } from "zod";
import { offlineErrors } from "./errors.ts";
import { maxProofFileBytes } from "./limits.ts";

const hexOf = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `must be ${bytes} bytes in hex`);
const node = hexOf(32);
/** A pattern without groups: a proof has millions of digits, and matching groups takes stack for each. */
const someBytes = z
  .string()
  .regex(/^[0-9a-f]*$/, "must be bytes in hex")
  .refine((text) => text.length % 2 === 0, "must be bytes in hex");
const count = z.int().min(0);

/** The piece that an inclusion is about. */
const piece = {
  pieceCid: z.string().max(100),
  commP: node,
  paddedBytes: count.describe("padded bytes of the piece"),
};

export const inclusionFile = z.strictObject({
  kind: z.literal("piece-inclusion"),
  sectorBytes: count.describe("padded bytes of the sector"),
  commD: node.describe("root of the sector's data tree"),
  ...piece,
  offsetPaddedBytes: count.describe("where in the padded sector the piece begins"),
  proof: someBytes.describe("first leaf (8 bytes, little-endian), then the siblings up to commD"),
});
export type InclusionFile = z.output<typeof inclusionFile>;

export const aggregateFile = z.strictObject({
  kind: z.literal("aggregate-inclusion"),
  aggregateBytes: count.describe("padded bytes of the aggregate"),
  aggregateCommP: node.describe("commitment of the aggregate"),
  ...piece,
  offsetPaddedBytes: count.describe("where in the padded aggregate the piece begins"),
  proof: someBytes.describe("both paths, as FRC-0058 encodes them"),
});
export type AggregateFile = z.output<typeof aggregateFile>;

export const sealFile = z.strictObject({
  kind: z.literal("seal"),
  profile: z.string().max(64).describe("row of the table of sector sizes, such as zigzag-2KiB"),
  sectorBytes: count.describe("padded bytes of the sector"),
  networkId: node,
  proverId: hexOf(22).describe("the miner's address, network and version byte first"),
  sectorId: count,
  ticket: node.describe("chain randomness from before sealing"),
  commD: node.describe("root of the sector's data tree"),
  commR: node.describe("root of the replica's tree"),
  commRStar: node.describe("binds the replica id and the roots of all layers"),
  seed: node.describe("chain randomness from after the commitment"),
  proof: someBytes,
});
export type SealFile = z.output<typeof sealFile>;

export const proofFile = z.discriminatedUnion("kind", [inclusionFile, aggregateFile, sealFile]);
export type ProofFile = z.output<typeof proofFile>;

/** Errors `proof/bad-file`, `proof/file-too-large`. */
export function readProofFile(bytes: Uint8Array): ProofFile {
  if (bytes.length > maxProofFileBytes) throw offlineErrors.fileTooLarge({ limitBytes: maxProofFileBytes });
  const parsed = proofFile.safeParse(jsonOf(bytes));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  throw offlineErrors.badFile({ problem: `${where}${issue?.message ?? "it has another form"}` });
}

function jsonOf(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) throw offlineErrors.badFile({ problem: "it is not text" });
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
  } catch (cause) {
    throw offlineErrors.badFile({ problem: "it is not JSON" }, cause);
  }
}
