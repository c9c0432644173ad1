/** Messages about a window or a deadline that a branch of the chain may refuse, and that still can be sent again. */
import { limits } from "../limits.ts";
import type { MineSender } from "./needs.ts";

/** The key of the next try; undefined while one is on its way or has taken effect, and when there are no more. */
export function untriedKey(sender: Pick<MineSender, "sentAs" | "find">, key: string): string | undefined {
  for (let attempt = 0; attempt < limits.postAttempts; attempt += 1) {
    const tried = attempt === 0 ? key : `${key}/${attempt}`;
    const sent = sender.sentAs(tried);
    if (sent === undefined) return tried;
    if ((sender.find(sent.cid)?.mined?.receipt.exitCode ?? 0) === 0) return undefined;
  }
  return undefined;
}
