/**
 * What the chain looks at of pinning: walks that are shown to it, at their deepest, widest and longest, and reports.
 * They come as parameters, which are paid for by the byte too: that gas is part of it, as in a message.
 */
import {
  accountAddress,
  blake2b256,
  CID,
  cidOfCbor,
  concatBytes,
  decode,
  encode,
  epoch,
  publicKeyOf,
  rawCid,
  sha256,
  utf8Bytes,
} from "@holdfast/base";
import {
  maxPinSamples,
  maxShownWalkBytes,
  maxWalkBlocks,
  methods,
  type NetworkParams,
  type PinNode,
  type PinReportFacts,
  pinReportFault,
  pinReportSigningBytes,
  proofGas,
  sampledPlace,
  sampleSeed,
  signPinReport,
  walkBlocks,
} from "@holdfast/consensus";
import type { ProofProbe } from "./proofs.ts";

const nothing = new Uint8Array(0);
const zeros = new Uint8Array(32);
const hash = (text: string): Uint8Array => blake2b256(utf8Bytes(text));

const varint = (value: number): Uint8Array => {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.of(...bytes, rest);
    bytes.push((rest % 128) + 128);
  }
};
const field = (number: number, bytes: Uint8Array): Uint8Array =>
  concatBytes(varint(number * 8 + 2), varint(bytes.length), bytes);
/** A block of dag-pb with links of these CIDs. */
const pbBlock = (links: readonly Uint8Array[]): Uint8Array =>
  concatBytes(...links.map((cid) => field(2, field(1, cid))), field(1, nothing));
const pbCid = (block: Uint8Array): CID => CID.decode(concatBytes(Uint8Array.of(0x12, 0x20), sha256(block)));

interface ShownWalk {
  readonly name: string;
  readonly root: CID;
  readonly blocks: readonly Uint8Array[];
}

function shownWalks(): readonly ShownWalk[] {
  const leaf = Uint8Array.of(1);
  let deep: Pick<ShownWalk, "root" | "blocks"> = { root: rawCid(leaf), blocks: [leaf] };
  while (deep.blocks.length < maxWalkBlocks) {
    const block = pbBlock([deep.root.bytes]);
    deep = { root: pbCid(block), blocks: [block, ...deep.blocks] };
  }
  /** As many links of a length as there is room for. */
  const wide = (cid: Uint8Array): Uint8Array =>
    pbBlock(
      Array<Uint8Array>(Math.floor((maxShownWalkBytes - 64) / field(2, field(1, cid)).length)).fill(cid),
    );
  const common = wide(rawCid(leaf).bytes);
  const shortest = wide(Uint8Array.of(1, 0x55, 0, 0));
  const long = new Uint8Array(maxShownWalkBytes).fill(7);
  const numbers = concatBytes(Uint8Array.of(0x9a, 0, 5, 0xff, 0), new Uint8Array(0x5_ff00).fill(1));
  return [
    { name: "a walk as deep as can be", ...deep },
    { name: "a walk with very many links", root: pbCid(common), blocks: [common, leaf] },
    { name: "a walk with most links", root: pbCid(shortest), blocks: [shortest, nothing] },
    { name: "a walk of one long block", root: rawCid(long), blocks: [long] },
    { name: "a walk of numbers in dag-cbor", root: cidOfCbor(numbers), blocks: [numbers] },
  ];
}

/** With its bytes as parameters, as a dispute or an answer brings them. */
export function walkProbes({ gas }: NetworkParams): ProofProbe[] {
  return shownWalks().map(({ name, root, blocks }) => {
    const length = blocks.reduce((sum, block) => sum + block.length, 0);
    const checks = blocks.reduce((sum, block) => sum + proofGas(gas, "inclusion", block.length), 0);
    return {
      name: `${name}, ${blocks.length} blocks, ${length} bytes`,
      price: "inclusionKib",
      gas: checks + (gas.messageByte + gas.paramByte) * length,
      verify: () => walkBlocks(hash("walk"), root, blocks) !== undefined,
    };
  });
}

/** Reports of so many samples: decoding, the draw of each, the signature. The reads of the state are paid for apart. */
export function reportProbes({ gas }: NetworkParams): ProofProbe[] {
  const networkId = hash("network");
  const privateKey = hash("pinning node");
  const key = accountAddress(1, publicKeyOf(privateKey));
  const root = rawCid(Uint8Array.of(1));
  return [20, maxPinSamples].map((samples): ProofProbe => {
    const [slot, slotHash, count] = [7, hash("slot"), 1_000];
    const seeds = Array.from({ length: samples }, (_, at) =>
      sampleSeed({ networkId, slot, slotHash, key }, at),
    );
    const report = signPinReport(privateKey, networkId, {
      ...{ node: 1, key, slot, slotHash, previous: zeros, set: root, count, added: [], program: "bench" },
      samples: seeds.map((seed) => ({
        ...{ pin: sampledPlace(seed, count), root, block: root, answer: zeros, bytes: 1, elapsedMs: 0 },
      })),
    });
    const node = { key, status: "active", validUntil: epoch(1_000), lastSlot: null, lastReport: zeros };
    const facts: PinReportFacts = {
      ...{ networkId, height: epoch(100), slot, slotHash, programExpires: epoch(1_000), samples },
      node: node as unknown as PinNode,
      set: { root, count, at: (place) => place },
      rootOf: () => root,
    };
    const params = encode(methods.pins.submitReport.params, { report });
    const signed = proofGas(gas, "signature", pinReportSigningBytes(report, networkId).length);
    return {
      name: `a report of ${samples} samples, ${params.length} bytes`,
      price: "signatureBase",
      gas: signed + (gas.messageByte + gas.paramByte) * params.length,
      verify: () =>
        pinReportFault(decode(methods.pins.submitReport.params, params).report, facts) === undefined,
    };
  });
}
