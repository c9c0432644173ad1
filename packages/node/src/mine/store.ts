/**
 * What this node has signed as a miner: the heights, because two blocks for one height would be slashed, and the
 * recent blocks themselves, because one that is lost before the chain has it must come back or never be contradicted.
 */
import { type Address, encode } from "@holdfast/base";
import { decodeBlock, type FullBlock, fullBlockCodec } from "@holdfast/consensus";
import type { Database } from "../database.ts";

export interface Wins {
  readonly blocks: number;
  readonly lastHeight: number | null;
}

export interface SignedHeights {
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
  /** The signed blocks that still matter, ascending by height. */
  kept(miner: Address): readonly FullBlock[];
  /** A block that was refused here has never left this machine. */
  forget(block: FullBlock): void;
}

export function openSignedHeights(database: Database): SignedHeights {
  database.migrate("mine", [
    `CREATE TABLE mine_heights (
       miner TEXT PRIMARY KEY, claimed INTEGER NOT NULL, blocks INTEGER NOT NULL, last_height INTEGER
     ) STRICT`,
    `CREATE TABLE mine_signed (
       miner TEXT NOT NULL, height INTEGER NOT NULL, block BLOB NOT NULL, PRIMARY KEY (miner, height)
     ) STRICT`,
  ]);
  return {
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
    keep: (block, keepFrom) =>
      database.transaction(() => {
        const { miner, height } = block.header;
        database.run("DELETE FROM mine_signed WHERE miner = ? AND height < ?", miner, keepFrom);
        database.run(
          "INSERT OR REPLACE INTO mine_signed VALUES (?, ?, ?)",
          miner,
          height,
          encode(fullBlockCodec, block),
        );
      }),
    kept: (miner) =>
      database
        .all("SELECT block FROM mine_signed WHERE miner = ? ORDER BY height", miner)
        .flatMap(({ block }) => (block instanceof Uint8Array ? decodeBlock(block) : [])),
    forget: ({ header: { miner, height } }) =>
      database.run("DELETE FROM mine_signed WHERE miner = ? AND height = ?", miner, height),
    takeBack(miner, { blocks, lastHeight }) {
      database.run(
        "UPDATE mine_heights SET blocks = ?, last_height = ? WHERE miner = ?",
        blocks,
        lastHeight,
        miner,
      );
    },
  };
}
