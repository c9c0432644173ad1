/** A price for a GiB is kept in whole attoFIL for a byte and shown as it was given. */
import { parseFil } from "@holdfast/base";
import { createNetwork } from "@holdfast/node/testing";
import { expect, it } from "vitest";

it("a price stays what it is, however often it is read and given again, and nothing becomes free", async () => {
  await using net = await createNetwork({ miners: 1, seed: "price" });
  const { signal } = new AbortController();
  const set = async (price: string): Promise<string> => {
    const { handlers } = net.client.node;
    return (await handlers["retrieval.set"]({ pricePerGiB: `${price}FIL` }, signal)).priceFilPerGiB;
  };
  for (const given of ["0", "0.00001", "0.01", "0.025", "2", "1234.5678"]) {
    expect(await set(given)).toBe(given);
    expect(await set(await set(given))).toBe(given);
  }
  expect(parseFil(`${await set("0.000000000000000001")}FIL`) > 0n).toBe(true);
});
