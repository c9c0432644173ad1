/** Messages that a node sends by itself: that one is not sent is told in the log, and stops nothing else. */
import type { PoscNeeds } from "./needs.ts";

type Request = Parameters<PoscNeeds["sender"]["send"]>[0];

/** Whether it is on its way. */
export async function sendOrTell(
  { sender, logger }: Pick<PoscNeeds, "sender" | "logger">,
  request: Request,
): Promise<boolean> {
  try {
    await sender.send(request);
    return true;
  } catch (error) {
    const { method, key } = request;
    logger.info("a message about pins is not sent", { method, key, detail: String(error) });
    return false;
  }
}
