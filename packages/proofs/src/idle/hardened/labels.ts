/**
 * The labels of idle space, 32 bytes each: SHA-256 of
 *
 *   bytes 0…31     key of the set
 *   bytes 32…35    kept layer that this layer leads to, from 0 (numbers are big-endian)
 *   bytes 36…39    layer, from 1
 *   bytes 40…63    "holdfast idle label 1", zeros
 *   bytes 64…71    number of the file that the position belongs to
 *   bytes 72…79    position in that file
 *   bytes 80…95    zeros
 *   bytes 96…      the labels of the fourteen parents, in the order of graph.ts, `passes` times over
 *
 * The first block is the same for a whole layer. The label before, which is there last, comes first of the
 * parents: every compression but that first one has to wait for it. A parent that does not exist (slot 0 of node 0,
 * slots 1 to 4 of nodes 0 and 1, all below the lowest layer of a set) is 32 zero bytes.
 */
import { bigEndian, concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import type { LayerPass } from "../../layers/index.ts";
import { nodeBytes } from "../../merkle/index.ts";
import { allParents, sampledParents, tableParents } from "./graph.ts";
import type { IdleLabels } from "./kernel.ts";

export const labelText = concatBytes(utf8Bytes("holdfast idle label 1"), new Uint8Array(3));
const fileOffset = 64;
const positionOffset = 72;
const parentsOffset = 96;
const twoTo32 = 0x1_0000_0000;
/** Nodes after which a long loop of the reference reports how far it is. */
const sliceNodes = 256;

/** The 64 bytes that all labels of one layer begin with. */
export function layerHeader(key: Uint8Array, keptLayer: number, layer: number): Uint8Array {
  return concatBytes(key, bigEndian(keptLayer, 4), bigEndian(layer, 4), labelText);
}

/** Makes labels of one layer, one after another, from parents that were set. */
export class IdleLabelMaker {
  readonly #message: Uint8Array;
  readonly #view: DataView;

  constructor(header: Uint8Array, passes: number) {
    this.#message = new Uint8Array(parentsOffset + passes * allParents * nodeBytes);
    this.#message.set(header);
    this.#view = new DataView(this.#message.buffer);
  }

  /** Puts a label into slot 0…13. */
  setParent(slot: number, label: Uint8Array): void {
    this.#message.set(label, parentsOffset + slot * nodeBytes);
  }

  /** The label at a position of a file. */
  label(file: number, position: number): Uint8Array {
    this.#view.setUint32(fileOffset, Math.floor(file / twoTo32));
    this.#view.setUint32(fileOffset + 4, file % twoTo32);
    this.#view.setUint32(positionOffset + 4, position);
    const pass = allParents * nodeBytes;
    const message = this.#message;
    for (let at = parentsOffset + pass; at < message.length; at += pass) {
      message.copyWithin(at, parentsOffset, parentsOffset + pass);
    }
    return sha256(message);
  }
}

const noLabel = new Uint8Array(nodeBytes);

/** The reference: label by label, stream by stream. */
export function plainIdleLabels({ fileNodes, passes, streams }: IdleLabels): LayerPass {
  const makers = streams.map(({ header }) => new IdleLabelMaker(header, passes));
  const labelAt = (labels: Uint8Array, node: number): Uint8Array =>
    labels.subarray(node * nodeBytes, (node + 1) * nodeBytes);
  return {
    sliceNodes,
    run: ({ low, count, parents }) => {
      for (const [index, { previous, into, firstFile }] of streams.entries()) {
        const maker = makers[index] as IdleLabelMaker;
        for (let i = 0; i < count; i += 1) {
          const node = low + i;
          maker.setParent(0, node === 0 ? noLabel : labelAt(into, node - 1));
          for (let k = 0; k < tableParents; k += 1) {
            const parent = parents[i * tableParents + k] as number;
            const inLayer = k < sampledParents;
            const label = inLayer && node < 2 ? noLabel : labelAt(inLayer ? into : previous, parent);
            maker.setParent(1 + k, label);
          }
          maker.setParent(allParents - 1, labelAt(previous, node));
          into.set(maker.label(firstFile + Math.floor(node / fileNodes), node % fileNodes), node * nodeBytes);
        }
      }
    },
    finish: () => undefined,
  };
}
