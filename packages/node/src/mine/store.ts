/** The heights at which this node has signed a block: two blocks for one height would be slashed. */
import type { Address } from "@holdfast/base";
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
}

export function openSignedHeights(database: Database): SignedHeights {
  database.migrate("mine", [
    `CREATE TABLE mine_heights (
       miner TEXT PRIMARY KEY, claimed INTEGER NOT NULL, blocks INTEGER NOT NULL, last_height INTEGER
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
