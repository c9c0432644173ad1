/**
 * Deals of both halves of the market as one list of pages: those as client, newest first, then those as miner. Nobody
 * holds more of them than one page, and a deal is found by its id or the end of it without a look at the others.
 */
import type { MethodResult } from "@holdfast/api";
import { limits } from "./limits.ts";
import type { ClientMarket, MinerMarket } from "./market/index.ts";

type DealView = MethodResult<"deal.ls">[number];
type DealDetail = MethodResult<"deal.show">;
type Role = DealView["role"];

export interface DealsPage {
  readonly role?: Role | undefined;
  /** Behind this one: `client/ID` or `miner/ID`. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface DealPages {
  deals(page: DealsPage): Promise<readonly DealView[]>;
  deal(id: string, role?: Role): Promise<DealDetail | undefined>;
}

/** Characters of an id's end that are enough to name a deal. */
const shortIdLength = 8;

export function dealPages(
  client: Pick<ClientMarket, "deals" | "deal" | "dealEndingWith">,
  miner: Pick<MinerMarket, "deals" | "deal" | "dealEndingWith"> | undefined,
): DealPages {
  return {
    async deals({ role, after, limit }) {
      const [half, dealId] = after === undefined ? [] : splitCursor(after);
      const own = role === "miner" || half === "miner" ? [] : client.deals({ after: dealId, limit });
      if (role === "client" || own.length >= limit || miner === undefined) return own;
      const page = { after: half === "miner" ? dealId : undefined, limit: limit - own.length };
      return [...own, ...(await miner.deals(page))];
    },
    async deal(id, role) {
      const isTail = id.length >= shortIdLength;
      if (role !== "miner") {
        const found = client.deal(id) ?? (isTail ? client.deal(client.dealEndingWith(id) ?? id) : undefined);
        if (found !== undefined) return found;
      }
      if (role === "client" || miner === undefined) return undefined;
      return (await miner.deal(id)) ?? (isTail ? miner.deal(miner.dealEndingWith(id) ?? id) : undefined);
    },
  };
}

/** All deals, page by page. */
export async function* everyDeal(
  market: Pick<DealPages, "deals">,
  role?: Role,
): AsyncGenerator<DealView, void, undefined> {
  const limit = limits.dealsPerPage;
  for (let after: string | undefined; ; ) {
    const page = await market.deals({ role, after, limit });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < limit) return;
    after = `${last.role}/${last.dealId}`;
  }
}

/** `client/ID` or `miner/ID`. */
function splitCursor(after: string): readonly [string, string] {
  const at = after.indexOf("/");
  return [after.slice(0, at), after.slice(at + 1)];
}
