/**
 * What this node has signed as a miner: the heights, because two blocks for one height would be slashed, and the
 * recent blocks themselves, because one that is lost before the chain has it must come back or never be contradicted.
 * With it stands where it was made: a copy of this record in another folder is no record of what was signed since.
 */
import { type Address, decode, encode } from "@holdfast/base";
import {
  type BlockHeader,
  blockHeaderCodec,
  decodeBlock,
  type FullBlock,
  fullBlockCodec,
} from "@holdfast/consensus";
import type { Database } from "../database.ts";

export interface Wins {
  readonly blocks: number;
  readonly lastHeight: number | null;
}

/** What tells a folder from its copies, and a start of the machine from the next. */
export interface MinerPlace {
  readonly folder: string;
  readonly boot: string;
}

export interface SignedHeights {
  /** The highest height that was signed or given up; undefined: there is no record. */
  claimed(miner: Address): number | undefined;
  /** Where the record was made. */
  place(miner: Address): MinerPlace | undefined;
  /** From here on this is the record, and nothing at or below the height is signed any more. */
  adopt(miner: Address, place: MinerPlace, height: number): void;
  /**
   * False if a block for this height or a later one was signed before; otherwise it is now on disk, and the
   * block counts as won: one durable write for a block, not two.
   */
  claim(miner: Address, height: number): boolean;
  won(miner: Address): Wins;
  /** The claimed block came to nothing: the count is again what it was. The height stays claimed. */
  takeBack(miner: Address, before: Wins): void;
  /** A signed block is on disk before anybody else sees it; those below `keepFrom` are forgotten. */
  keep(block: FullBlock, keepFrom: number): void;
  /** Headers of the signed blocks that still matter, ascending by height: every win looks at them, at no body. */
  kept(miner: Address): readonly BlockHeader[];
  /** A kept block as a whole. */
  block(header: BlockHeader): FullBlock | undefined;
  /** A block that was refused here has never left this machine. */
  forget(block: FullBlock): void;
}

const tables: readonly string[] = [
  `CREATE TABLE mine_heights (
     miner TEXT PRIMARY KEY, claimed INTEGER NOT NULL, blocks INTEGER NOT NULL, last_height INTEGER
   ) STRICT`,
  `CREATE TABLE mine_signed (
     miner TEXT NOT NULL, height INTEGER NOT NULL, block BLOB NOT NULL, PRIMARY KEY (miner, height)
   ) STRICT`,
  // Blocks that were kept before are few, and read whole until finality has passed.
  "ALTER TABLE mine_signed ADD COLUMN header BLOB",
  "CREATE TABLE mine_places (miner TEXT PRIMARY KEY, folder TEXT NOT NULL, boot TEXT NOT NULL) STRICT",
];

export function openSignedHeights(database: Database): SignedHeights {
  database.migrate("mine", tables);
  /** What the table says of a miner, as it was read or written last. */
  const headers = new Map<Address, readonly BlockHeader[]>();
  const keptOf = (miner: Address) => headers.get(miner) ?? readKept(database, miner);
  return {
    ...openPlaces(database),
    claim: (miner, height) =>
      database.transaction(() => {
        const row = database.get("SELECT claimed FROM mine_heights WHERE miner = ?", miner);
        if (typeof row?.claimed === "number" && row.claimed >= height) return false;
        database.run(
          `INSERT INTO mine_heights VALUES (?, ?, 1, ?) ON CONFLICT (miner) DO UPDATE
           SET claimed = excluded.claimed, last_height = excluded.last_height, blocks = blocks + 1`,
          miner,
          height,
          height,
        );
        return true;
      }),
    won(miner) {
      const row = database.get("SELECT blocks, last_height FROM mine_heights WHERE miner = ?", miner);
      return {
        blocks: typeof row?.blocks === "number" ? row.blocks : 0,
        lastHeight: typeof row?.last_height === "number" ? row.last_height : null,
      };
    },
    keep(block, keepFrom) {
      const { miner, height } = block.header;
      const before = keptOf(miner);
      database.transaction(() => {
        database.run("DELETE FROM mine_signed WHERE miner = ? AND height < ?", miner, keepFrom);
        database.run(
          "INSERT OR REPLACE INTO mine_signed (miner, height, block, header) VALUES (?, ?, ?, ?)",
          miner,
          height,
          encode(fullBlockCodec, block),
          encode(blockHeaderCodec, block.header),
        );
      });
      const left = before.filter((one) => one.height >= keepFrom && one.height !== height);
      headers.set(
        miner,
        [...left, block.header].sort((a, b) => a.height - b.height),
      );
    },
    kept(miner) {
      headers.set(miner, keptOf(miner));
      return keptOf(miner);
    },
    block({ miner, height }) {
      const row = database.get("SELECT block FROM mine_signed WHERE miner = ? AND height = ?", miner, height);
      return row?.block instanceof Uint8Array ? decodeBlock(row.block) : undefined;
    },
    forget({ header: { miner, height } }) {
      database.run("DELETE FROM mine_signed WHERE miner = ? AND height = ?", miner, height);
      headers.set(
        miner,
        keptOf(miner).filter((one) => one.height !== height),
      );
    },
    takeBack(miner, { blocks, lastHeight }) {
      const sql = "UPDATE mine_heights SET blocks = ?, last_height = ? WHERE miner = ?";
      database.run(sql, blocks, lastHeight, miner);
    },
  };
}

function readKept(database: Database, miner: Address): readonly BlockHeader[] {
  const rows = database.all(
    `SELECT header, CASE WHEN header IS NULL THEN block END AS block FROM mine_signed
     WHERE miner = ? ORDER BY height`,
    miner,
  );
  return rows.flatMap(({ header, block }) => {
    if (header instanceof Uint8Array) return decode(blockHeaderCodec, header);
    return block instanceof Uint8Array ? decodeBlock(block).header : [];
  });
}

function openPlaces(database: Database): Pick<SignedHeights, "claimed" | "place" | "adopt"> {
  return {
    claimed(miner) {
      const row = database.get("SELECT claimed FROM mine_heights WHERE miner = ?", miner);
      return typeof row?.claimed === "number" ? row.claimed : undefined;
    },
    place(miner) {
      const row = database.get("SELECT folder, boot FROM mine_places WHERE miner = ?", miner);
      return row && { folder: String(row.folder), boot: String(row.boot) };
    },
    adopt: (miner, { folder, boot }, height) =>
      database.transaction(() => {
        database.run("INSERT OR REPLACE INTO mine_places VALUES (?, ?, ?)", miner, folder, boot);
        database.run(
          `INSERT INTO mine_heights VALUES (?, ?, 0, NULL) ON CONFLICT (miner) DO UPDATE
           SET claimed = max(claimed, excluded.claimed)`,
          miner,
          height,
        );
      }),
  };
}
