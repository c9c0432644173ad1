/** Messages that a node sends by itself: that one is not sent is told in the log, and stops nothing else. */
import type { CID } from "@holdfast/base";
import { limits } from "../limits.ts";
import type { PoscNeeds } from "./needs.ts";

type Request = Parameters<PoscNeeds["sender"]["send"]>[0];

/** The message that is on its way; undefined: none is. */
export async function sendOrTell(
  { sender, logger }: Pick<PoscNeeds, "sender" | "logger">,
  request: Request,
): Promise<CID | undefined> {
  try {
    return await sender.send(request);
  } catch (error) {
    const { method, key } = request;
    logger.info("a message about pins is not sent", { method, key, detail: String(error) });
    return undefined;
  }
}

/**
 * The key of the next try: a message that came too early in a branch of the chain has failed for good. The tries have
 * an end, and the dry run lets none of them out that would fail again.
 */
export function untriedKey(sender: Pick<PoscNeeds["sender"], "isRefused">, key: string): string {
  let tried = key;
  for (let n = 1; n < limits.pinMessageTries && sender.isRefused(tried); n += 1) tried = `${key}:${n}`;
  return tried;
}
