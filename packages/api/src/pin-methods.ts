/** Methods about content that this node keeps for whoever has access, and about pinning services elsewhere. */
import { z } from "zod";
import { call, nothing } from "./method-spec.ts";
import { cidText, sizeBytes } from "./shapes.ts";

const count = z.int().min(0);
const pinState = z.enum(["queued", "pinning", "pinned", "failed"]);
const pinId = z.string().min(1).max(255).describe("what the pinning service calls `requestid`");
const pinName = z.string().max(255);
const accessName = z.string().min(1).max(64);
const origin = z.string().max(512);

const pinView = z.object({
  id: pinId,
  account: z.string().describe("for whom; the node's own are of `node`"),
  cid: cidText,
  name: pinName.nullable(),
  state: pinState,
  priority: z.int(),
  createdMs: z.number(),
  expiresMs: z.number().nullable().describe("then it is removed by itself"),
  maxBytes: sizeBytes.nullable(),
  blocks: count.describe("of what is here"),
  bytes: sizeBytes,
  attempts: count,
  retryMs: z.number().nullable().describe("when the next try is; null: none is due by itself"),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  origins: z.array(origin),
});

const accessView = z.object({
  name: accessName,
  maxBytes: sizeBytes.nullable(),
  usedBytes: sizeBytes,
  createdMs: z.number(),
});
const serviceView = z.object({ name: accessName, url: z.string() });
const remotePin = z.object({
  service: accessName,
  id: pinId,
  cid: cidText,
  name: pinName.nullable(),
  state: pinState,
  createdMs: z.number(),
  details: z.string().nullable(),
  delegates: z.array(z.string()),
});

export const pinMethods = {
  "localPin.add": call(
    "Keeps what a CID names, fetched from whoever has it",
    z.object({
      cid: cidText,
      name: pinName.optional(),
      origins: z.array(origin).max(20).default([]).describe("multiaddrs of peers that have it"),
      priority: z.int().min(-100).max(100).default(0).describe("higher ones first"),
      forMs: z.int().min(1).optional().describe("then it is removed by itself"),
      maxBytes: z.int().min(1).optional().describe("more is refused"),
    }),
    pinView,
  ),
  "localPin.ls": call(
    "Pins of this node, newest first",
    z.object({
      account: z.string().max(64).optional(),
      cid: cidText.optional(),
      name: pinName.optional().describe("a part of it, in any case"),
      states: z.array(pinState).max(4).default([]).describe("empty: all"),
      beforeMs: z.number().optional().describe("created before; where the last page ended"),
      limit: z.int().min(1).max(1_000).default(100),
    }),
    z.object({ count: count.describe("of all that were asked for"), pins: z.array(pinView) }),
  ),
  "localPin.show": call("One pin", z.object({ id: pinId }), pinView),
  "localPin.rm": call("Ends a pin; content that nobody else wants goes", z.object({ id: pinId }), pinView),
  "localPin.retry": call("Looks for all blocks of a pin anew, now", z.object({ id: pinId }), pinView),
  "localPin.gc": call(
    "Removes blocks that no pin needs",
    nothing,
    z.object({ blocks: count, bytes: sizeBytes }),
  ),
  "localPin.status": call(
    "Where pinned content lies and how much of it there is",
    nothing,
    z.object({
      backend: z.enum(["embedded", "kubo"]),
      usedBytes: sizeBytes,
      quotaBytes: sizeBytes.nullable(),
      counts: z.object({ queued: count, pinning: count, pinned: count, failed: count }),
      serviceUrl: z.string().nullable().describe("of the IPFS Pinning Service API"),
      ledger: z
        .object({
          contract: z.string(),
          address: z.string(),
          readTo: count.nullable().describe("block of its chain; null: nothing has been read yet"),
          wishes: count,
          pins: count,
          problem: z.string().nullable().describe("why the last look failed"),
        })
        .nullable()
        .describe("the contract of another chain whose wishes are pinned"),
    }),
  ),
  "pinAccess.new": call(
    "A token for the pinning service of this node, shown this once",
    z.object({ name: accessName, maxBytes: z.int().min(1).optional() }),
    z.object({
      name: accessName,
      token: z.string(),
      maxBytes: sizeBytes.nullable(),
      url: z.string().nullable(),
    }),
  ),
  "pinAccess.ls": call("Who may use the pinning service of this node", nothing, z.array(accessView)),
  "pinAccess.rm": call("Ends an access; its pins stay", z.object({ name: accessName }), nothing),
  "pinService.add": call(
    "Remembers a pinning service elsewhere",
    z.object({ name: accessName, url: z.string().max(512), token: z.string().max(4_096) }),
    serviceView,
  ),
  "pinService.ls": call("Pinning services elsewhere that this node knows", nothing, z.array(serviceView)),
  "pinService.rm": call(
    "Forgets a pinning service; pins there stay",
    z.object({ name: accessName }),
    nothing,
  ),
  "remotePin.add": call(
    "Asks a pinning service to keep what a CID names",
    z.object({ service: accessName, cid: cidText, name: pinName.optional() }),
    remotePin,
  ),
  "remotePin.ls": call(
    "Pins at a pinning service, newest first",
    z.object({
      service: accessName,
      cid: cidText.optional(),
      name: pinName.optional(),
      states: z.array(pinState).min(1).max(4).default(["queued", "pinning", "pinned", "failed"]),
      limit: z.int().min(1).max(1_000).default(100),
    }),
    z.object({ count, pins: z.array(remotePin) }),
  ),
  "remotePin.show": call(
    "One pin at a pinning service",
    z.object({ service: accessName, id: pinId }),
    remotePin,
  ),
  "remotePin.rm": call(
    "Ends a pin at a pinning service",
    z.object({ service: accessName, id: pinId }),
    nothing,
  ),
};
