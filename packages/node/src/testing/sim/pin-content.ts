/**
 * What is pinned in a simulation: small folders, whose blocks everybody who cheats has had once. Invariant: the library
 * has every block of every content that was ever ordered.
 */
import { type CID, parseCid, rawCid } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import type { Deeds } from "./deeds.ts";
import type { SimNode } from "./node.ts";

export interface Content {
  readonly root: CID;
  readonly carBytes: number;
}

export class Library {
  readonly #blocks = new Map<string, Uint8Array>();

  block(cid: CID): Uint8Array | undefined {
    return this.#blocks.get(cid.toString());
  }

  /** A folder of some small files at a node; undefined if the node does not take it. */
  async write(deeds: Deeds, node: SimNode, random: SeededRandom): Promise<Content | undefined> {
    const files = Array.from({ length: random.between(5, 12) }, (_, index) => ({
      name: `file-${index}`,
      bytes: random.bytes(random.between(50, 300)),
    }));
    async function* entries() {
      for (const { name, bytes } of files) {
        yield { kind: "file" as const, path: [name], sizeBytes: bytes.length, bytes: once(bytes) };
      }
    }
    const { signal } = new AbortController();
    const made = await deeds.ask(node, "import", (running) => running.files.importFolder(entries(), signal));
    const { blocks, life } = node;
    if (made === undefined || blocks === undefined || life === undefined) return undefined;
    const root = parseCid(made.cid);
    const folder = await Promise.race([blocks.files.get(root).catch(() => undefined), life.end]);
    if (folder === undefined) return undefined;
    for (const { bytes } of files) this.#blocks.set(rawCid(bytes).toString(), bytes);
    this.#blocks.set(root.toString(), folder);
    return { root, carBytes: made.carBytes };
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
