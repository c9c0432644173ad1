/** Content for tests of pinning: blocks of dag-pb and raw, made by hand, and a store of them that can lose some. */
import { bigEndian, CID, concatBytes, rawCid, sha256, utf8Bytes } from "@holdfast/base";

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.of(...bytes, rest);
}

function field(number: number, bytes: Uint8Array): Uint8Array {
  return concatBytes(varint(number * 8 + 2), varint(bytes.length), bytes);
}

export interface TestLink {
  readonly cid: CID;
  readonly size: number;
  readonly name?: string;
}

/** A block of dag-pb, as its spec writes it. */
export function pbBlock(links: readonly TestLink[], data = new Uint8Array(0)): Uint8Array {
  const encoded = links.map(({ cid, size, name = "" }) =>
    field(2, concatBytes(field(1, cid.bytes), field(2, utf8Bytes(name)), varint(3 * 8), varint(size))),
  );
  return concatBytes(...encoded, field(1, data));
}

/** CIDv0. */
export function pbCid(block: Uint8Array): CID {
  return CID.decode(concatBytes(Uint8Array.of(0x12, 0x20), sha256(block)));
}

export class BlockMap {
  readonly blocks = new Map<string, Uint8Array>();

  put(cid: CID, block: Uint8Array): CID {
    this.blocks.set(cid.toString(), block);
    return cid;
  }

  leaf(content: Uint8Array): CID {
    return this.put(rawCid(content), content);
  }

  /** A file of so many leaves of `leafBytes`, three to a node; different for each name. */
  file(name: string, leaves: number, leafBytes = 100): { readonly root: CID; readonly bytes: number } {
    let level: TestLink[] = Array.from({ length: leaves }, (_, index) => {
      const content = new Uint8Array(leafBytes);
      content.set(concatBytes(utf8Bytes(name), bigEndian(index, 4)));
      return { cid: this.leaf(content), size: leafBytes };
    });
    while (level.length > 1) {
      const above: TestLink[] = [];
      for (let at = 0; at < level.length; at += 3) {
        const links = level.slice(at, at + 3);
        const block = pbBlock(links);
        const size = links.reduce((sum, link) => sum + link.size, block.length);
        above.push({ cid: this.put(pbCid(block), block), size });
      }
      level = above;
    }
    const [root] = level;
    if (root === undefined) throw new RangeError("a file has a leaf");
    return { root: root.cid, bytes: leaves * leafBytes };
  }

  get(cid: CID): Uint8Array | undefined {
    return this.blocks.get(cid.toString());
  }

  copy(): BlockMap {
    const other = new BlockMap();
    for (const [cid, block] of this.blocks) other.blocks.set(cid, block);
    return other;
  }
}
