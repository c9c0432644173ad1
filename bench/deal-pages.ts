/** Pages of a miner's deals, and what a head costs, in a database of as many as are wanted. */
import { encode } from "@holdfast/base";
import { openDatabase } from "../packages/node/src/database.ts";
import { limits } from "../packages/node/src/limits.ts";
import { signedProposalCodec } from "../packages/node/src/market/deal.ts";
import { AmendmentStore } from "../packages/node/src/market/miner/amendment-store.ts";
import { MinerStore } from "../packages/node/src/market/miner/store.ts";
import { proposalWith } from "../packages/node/test/market/support/proposals.ts";
import type { Figure } from "./figure.ts";

const height = 1_000;

export function dealPages(path: string, count: number): Figure[] {
  using database = openDatabase(path);
  const store = new MinerStore(database, new AmendmentStore(database));
  const { proposal, signature } = proposalWith();
  const signed = encode(signedProposalCodec, { proposal, signature });
  database.run(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO market_deals SELECT printf('deal-%012d', i), ?, 'bafy', ?, i, 1, 'active', '', '', 0, 1, '0', 0, 0, 0,
       1, 0, 0, 0, ? + i % ?, NULL, 0, '' FROM n`,
    ...[count, signed, proposal.payer, height, limits.dealRestRounds],
  );
  const timed = (name: string, work: () => unknown[]): Figure => {
    const startMs = performance.now();
    const found = work();
    const value = performance.now() - startMs;
    return { name, by: "SQLite", value, unit: "ms", note: `${found.length} of ${count} deals` };
  };
  const middle = `deal-${String(count / 2).padStart(12, "0")}`;
  return [
    timed("first page of all deals", () => store.page({ limit: 100 })),
    timed("page of deals in the middle", () => store.page({ after: middle, limit: 100 })),
    timed("a deal by the end of its id", () => [store.endingWith(middle.slice(-9))]),
    timed("which deals are looked at at a head", () => store.awake(height)),
    timed("how many deals are in each state", () => Object.keys(store.counts())),
  ];
}
