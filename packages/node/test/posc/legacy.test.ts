/** The original's HTTP answers, in the shapes of its README. */
import { parseCid, rawCid } from "@holdfast/base";
import { describe, expect, it } from "vitest";
import { legacyRoute, type StoredReport } from "../../src/posc/index.ts";

const cid = rawCid(Uint8Array.of(1, 2, 3));
const sample = { pin: 1, root: cid, answer: new Uint8Array(32), elapsedMs: 5 };
const stored = {
  report: {
    slot: 45_267,
    samples: [
      { ...sample, block: cid, bytes: 1_000 },
      { ...sample, block: null, bytes: 0 },
    ],
  },
  accuracy: 500_000,
} as unknown as StoredReport;
const route = legacyRoute({
  slotEpochs: () => 600,
  nodeOfPeer: (peer) => (peer === "12D3KooW" ? 7 : undefined),
  report: (node, slot) => (node === 7 && (slot === "latest" || slot === 45_267) ? stored : undefined),
  isPinned: async (asked) => asked.equals(cid),
  info: () => ({ peerId: "12D3KooW", program: "a1988690", nodes: 4 }),
});
const ask = async (path: string, body: unknown) => (await route("POST", path, body))?.body;

describe("the original's HTTP", () => {
  it("answers /report by peer and height, for 0 and latest, as number and as text", async () => {
    const expected = {
      "27160200": {
        check_size: 1_000,
        elapsed_time: 10,
        check_num: 2,
        success_rate: 50,
        cids: [
          [cid.toString(), true],
          [cid.toString(), false],
        ],
      },
    };
    for (const blocknum of ["0", 0, "latest", "27160200", 27_160_300, undefined]) {
      const answer = await ask("/report", { ipfs_id: "12D3KooW", blocknum });
      expect(answer?.code).toBe(200);
      expect(JSON.parse(answer?.msg ?? "")).toEqual(expected);
    }
    for (const body of [
      { ipfs_id: "nobody" },
      { ipfs_id: "12D3KooW", blocknum: "1" },
      { blocknum: "x" },
      null,
    ])
      expect(await ask("/report", body)).toEqual({ code: 200, msg: "" });
  });
  it("answers /cid and /info", async () => {
    expect(await ask("/cid", { cid: cid.toString() })).toEqual({ code: 200, msg: "true" });
    expect(await ask("/cid", { cid: rawCid(new Uint8Array(1)).toString() })).toEqual({
      code: 200,
      msg: "false",
    });
    expect(await ask("/cid", { cid: "nonsense" })).toEqual({ code: 400, msg: "invalid cid" });
    expect(await ask("/info", {})).toEqual({
      code: 200,
      msg: '{"ipfs_id":"12D3KooW","mr_enclave":"a1988690","node_count":4}',
    });
    expect(parseCid(cid.toString()).equals(cid)).toBe(true);
  });
  it("leaves other paths and methods to others", async () => {
    expect(await route("GET", "/report", {})).toBeUndefined();
    expect(await route("POST", "/pins", {})).toBeUndefined();
  });
});
