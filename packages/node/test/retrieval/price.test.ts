/** A price for a GiB is kept in whole attoFIL for a byte and shown as it was given. */
import { attoFil, parseFil } from "@holdfast/base";
import { expect, it } from "vitest";
import { retrievalHandlers } from "../../src/rpc/handlers/retrieval.ts";
import type { HandlerNeeds } from "../../src/rpc/needs.ts";

type Service = ReturnType<HandlerNeeds["retrieval"]["service"]>;

function handlers() {
  const service = {
    ...{ caches: false, payee: undefined, payloads: 0, blocks: 0, pulledBytes: 0 },
    ...{ pricePerByte: attoFil(0), mostPerByte: attoFil(0), earned: attoFil(0) },
  };
  const retrieval = {
    service: (change: object = {}) => Object.assign(service, change) as unknown as Service,
  };
  return retrievalHandlers({ retrieval } as unknown as HandlerNeeds);
}

it.each(["0", "0.00001", "0.01", "0.025", "2", "1234.5678"])("%s FIL stay what they are", async (given) => {
  const { signal } = new AbortController();
  const own = handlers();
  const said = await own["retrieval.set"]({ pricePerGiB: `${given}FIL` }, signal);
  expect(said.priceFilPerGiB).toBe(given);
  // What was read can be given back any number of times.
  const again = await own["retrieval.set"]({ pricePerGiB: `${said.priceFilPerGiB}FIL` }, signal);
  expect(again).toEqual(said);
});

it("what is not free does not become free", async () => {
  const { signal } = new AbortController();
  const { priceFilPerGiB } = await handlers()["retrieval.set"](
    { pricePerGiB: "0.000000000000000001FIL" },
    signal,
  );
  expect(parseFil(`${priceFilPerGiB}FIL`) > 0n).toBe(true);
});
