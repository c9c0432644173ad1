/** Sections of the configuration about pinned content: what this node keeps, for whom, and whom it follows. */
import { z } from "zod";

export const pinsSection = z
  .object({
    quotaBytes: z
      .int()
      .min(0)
      .default(64 * 2 ** 30)
      .describe("space for content that is pinned here; 0: none is, and there is no pinning service"),
    kubo: z
      .string()
      .max(1_024)
      .default("")
      .describe(
        "URL of a Kubo daemon's RPC that keeps the pins instead, as http://127.0.0.1:5001; empty: this node",
      ),
    kuboShared: z
      .boolean()
      .default(false)
      .describe(
        "other nodes keep their pins at that daemon too: each may take away what another still needs, and two pinning " +
          "nodes are paid for one store",
      ),
    listen: z
      .string()
      .max(256)
      .regex(
        /^$|^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\]):\d{1,5}$/i,
        "an address such as 127.0.0.1:3482, or nothing",
      )
      .default("127.0.0.1:3482")
      .describe(
        "address of the IPFS Pinning Service API, for who has access; port 0 takes any free one; empty: none",
      ),
    attestation: z
      .enum(["hardware", "sgx-dcap", "tdx", "sev-snp", "software"])
      .default("hardware")
      .describe(
        "what shows which program runs here, for a pinning node of the network or a verifier of idle space; software " +
          "proves nothing, and only test networks take it",
      ),
    mayAsk: z
      .boolean()
      .default(false)
      .describe(
        "a node that does not show what accounts of this node have bought, some slots in a row, is asked on the chain by " +
          "itself, with the network's deposit each time, and places whose nodes are gone are drawn anew; false: only by " +
          "`pin ask` and `pin repair`",
      ),
    capacityBytes: z
      .int()
      .min(0)
      .max(2 ** 50)
      .default(0)
      .describe(
        "the node joins the network as a pinning node by itself and takes so much; 0: when it is told to (`pin node join`)",
      ),
    leastPrice: z
      .string()
      .max(64)
      .regex(/^\d+(\.\d{1,18})?(FIL)?$/, "an amount such as 0.001FIL")
      .default("0")
      .describe("what it takes at least for a GiB and a day, where it joins by itself"),
  })
  .strict()
  .prefault({});

/** A contract of another chain that says what this node is to pin. */
export const ledgerSection = z
  .object({
    rpc: z
      .string()
      .max(1_024)
      .regex(/^$|^https?:\/\//, "a URL, or nothing")
      .default("")
      .describe(
        "JSON-RPC of a node of another chain, of which a contract says what this node is to pin; empty: none",
      ),
    contract: z
      .enum(["resource-manager", "content-tracer", "content-id-registry"])
      .default("resource-manager")
      .describe("the events that the contract has (`pin ledger --help`)"),
    address: z
      .string()
      .regex(/^$|^0x[0-9a-fA-F]{40}$/, "0x and 20 bytes in hex")
      .default("")
      .describe("of the contract"),
    fromBlock: z.int().min(0).default(0).describe("first block to read: that of the contract's creation"),
    confirmations: z.int().min(0).default(128).describe("blocks below the head that are not believed yet"),
    pollMs: z.int().min(1_000).default(60_000).describe("pause between two looks"),
    maxPinBytes: z
      .int()
      .min(1)
      .default(2 ** 30)
      .describe("content that claims more is not pinned"),
  })
  .strict()
  .prefault({});
