/** What a canned node says of pinned content. */
import type { CallName, MethodResult } from "@holdfast/api";
import { fileCid } from "./canned-names.ts";

const pin: MethodResult<"localPin.show"> = {
  id: "6f1c0a5de3b24c0f9d8e7a6b5c4d3e2f",
  account: "alice",
  cid: fileCid,
  name: "photos",
  state: "queued",
  priority: 0,
  createdMs: 1_700_000_000_000,
  expiresMs: 1_700_086_400_000,
  maxBytes: null,
  blocks: 3,
  bytes: 700_000,
  attempts: 1,
  retryMs: 1_700_000_020_000,
  error: { code: "pins/block-missing", message: "nobody who was asked has the block" },
  origins: [],
};
const remote: MethodResult<"remotePin.show"> = {
  service: "backup",
  id: "17",
  cid: fileCid,
  name: "photos",
  state: "pinned",
  createdMs: 1_700_000_000_000,
  details: null,
  delegates: [],
};
const url = "http://127.0.0.1:3482";

export const pinCalls = {
  "localPin.add": pin,
  "localPin.ls": { count: 2, pins: [pin] },
  "localPin.show": pin,
  "localPin.rm": pin,
  "localPin.retry": pin,
  "localPin.gc": { blocks: 2, bytes: 300_000 },
  "localPin.status": {
    backend: "embedded",
    usedBytes: 700_000,
    quotaBytes: 64 * 2 ** 30,
    counts: { queued: 1, pinning: 0, pinned: 12, failed: 1 },
    serviceUrl: url,
    ledger: {
      contract: "resource-manager",
      address: `0x${"05".repeat(20)}`,
      readTo: 23_430_000,
      wishes: 12,
      pins: 9,
      problem: null,
    },
  },
  "pinAccess.new": { name: "alice", token: "c2VjcmV0", maxBytes: 2 ** 30, url },
  "pinAccess.ls": [{ name: "alice", maxBytes: 2 ** 30, usedBytes: 700_000, createdMs: 1_700_000_000_000 }],
  "pinAccess.rm": {},
  "pinService.add": { name: "backup", url },
  "pinService.ls": [{ name: "backup", url }],
  "pinService.rm": {},
  "remotePin.add": remote,
  "remotePin.ls": { count: 1, pins: [remote] },
  "remotePin.show": remote,
  "remotePin.rm": {},
} satisfies { readonly [Name in CallName]?: MethodResult<Name> };
