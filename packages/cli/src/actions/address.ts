/** `address inspect`: what an address says by itself. */
import { inspectAddress } from "@holdfast/base";
import { z } from "zod";
import { action } from "../command.ts";
import { argument } from "../input.ts";
import { facts } from "../layout.ts";

const addressFacts = z.object({
  network: z.int(),
  version: z.int(),
  hash: z.string().regex(/^[0-9a-f]{40}$/),
  text: z.string(),
  f1: z.string(),
});

export const addressInspect = action({
  result: addressFacts,
  async run(_context, input) {
    const { network, version, hash, text, f1 } = inspectAddress(argument(input, 0, "the address"));
    return { network, version, hash, text, f1 };
  },
  render: ({ network, version, hash, text, f1 }) =>
    facts([
      ["address", text],
      ["f1", f1],
      ["network", network === 0 ? "0 (main)" : "1 (test)"],
      ["version", String(version)],
      ["hash", hash],
    ]),
});
