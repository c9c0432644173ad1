/**
 * How the data of a deal comes to its miner: over a stream from the client's node (`stream`), as a CAR file from a
 * web server that the client names (its URL), or carried by people (`offline`). Whichever it is, the miner believes
 * the piece commitments alone. Pure.
 */
import { limits } from "../limits.ts";
import { dealRefusals } from "./refusals.ts";

export const ways = ["stream", "http", "offline"] as const;
export type Way = (typeof ways)[number];

/** Of a proposal that `checkDelivery` has let pass. */
export function wayOf(delivery: string): Way {
  return delivery === "stream" || delivery === "offline" ? delivery : "http";
}
export function isCarried({ delivery }: { readonly delivery: string }): boolean {
  return wayOf(delivery) === "offline";
}

/** A way by its name. `deal/bad-delivery`. */
export function namedWay(text: string): Way {
  const way = ways.find((one) => one === text);
  if (way === undefined) throw dealRefusals.badDelivery({ detail: `there is no way "${text}"` });
  return way;
}

/** `deal/bad-delivery`. */
export function checkDelivery(delivery: string): void {
  if (wayOf(delivery) !== "http") return;
  const problem = urlProblem(delivery);
  if (problem !== undefined) throw dealRefusals.badDelivery({ detail: problem });
}

const scheme = /^https?:\/\/[^/?#]/i;

function urlProblem(text: string): string | undefined {
  if (text.length > limits.deliveryBytes) return "the URL is too long";
  if (!scheme.test(text)) return "it is neither a way nor a URL of http or https";
  if (!URL.canParse(text)) return "it is no URL";
  const { username, password } = new URL(text);
  // They would stand in the records of both sides.
  return username === "" && password === "" ? undefined : "a URL with a password is not taken";
}
