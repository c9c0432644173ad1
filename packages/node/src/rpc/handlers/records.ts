/** The method that moves the records of this node's miner to another database. */
import type { ApiHandlers } from "@holdfast/api";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { minerOf } from "./params.ts";

export function recordsHandlers(needs: HandlerNeeds): Pick<ApiHandlers, "storage.migrate"> {
  return {
    "storage.migrate": async ({ to }) => {
      const { moveRecords } = minerOf(needs);
      if (moveRecords === undefined) throw rpcErrors.notAMiner({ node: needs.name });
      const { from, place, rowCount, passCount, wasThere } = await moveRecords(to);
      return { from, to: place, rows: rowCount, passes: passCount, wasThere };
    },
  };
}
