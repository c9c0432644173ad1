/** When an attested node renews, enters anew, or stops: every case once, and any order of events at random. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextStep, type RenewalView } from "../../src/attestation/index.ts";

const view = (change: Partial<RenewalView> = {}): RenewalView => ({
  ...{
    epoch: 100,
    permission: { untilEpoch: undefined, revoked: false },
    nodeKeyHex: "aa",
    programHex: "01",
  },
  admission: { nodeKeyHex: "aa", programHex: "01", fromEpoch: 100, untilEpoch: 400 },
  ...{ collateralEndEpoch: undefined, ...change },
});

describe("the next step of an attested node", () => {
  it.each<[string, Partial<RenewalView>, object]>([
    ["waits for the last third", {}, { step: "wait", untilEpoch: 300 }],
    ["renews in the last third", { epoch: 300 }, { step: "renew", because: "time" }],
    ["renews up to the last epoch", { epoch: 400 }, { step: "renew", because: "time" }],
    ["enters anew when it is too late", { epoch: 401 }, { step: "enter", because: "expired" }],
    ["enters when nobody knows it", { admission: undefined }, { step: "enter", because: "new" }],
    ["enters with an upgraded program", { programHex: "02" }, { step: "enter", because: "upgraded" }],
    [
      "enters with a key that it had to make anew",
      { nodeKeyHex: "bb" },
      { step: "enter", because: "key-lost" },
    ],
    [
      "renews before its collateral ends",
      { epoch: 200, collateralEndEpoch: 220 },
      { step: "renew", because: "collateral" },
    ],
    ["waits for that", { epoch: 150, collateralEndEpoch: 220 }, { step: "wait", untilEpoch: 195 }],
    [
      "stops when its program is not on the list",
      { permission: undefined },
      { step: "stop", because: "not-allowed" },
    ],
    [
      "stops when it is revoked",
      { permission: { untilEpoch: 900, revoked: true } },
      { step: "stop", because: "revoked" },
    ],
    [
      "stops when its program's time is over",
      { permission: { untilEpoch: 99, revoked: false } },
      { step: "stop", because: "program-expired" },
    ],
    [
      "stops before anything else, also as a stranger",
      { permission: { untilEpoch: 99, revoked: false }, admission: undefined },
      { step: "stop", because: "program-expired" },
    ],
  ])("%s", (_name, change, step) => {
    expect(nextStep(view(change))).toEqual(step);
  });

  it("renews once while the vendor has no newer collateral, and never waits into the past or beyond the end", () => {
    const admission = { nodeKeyHex: "aa", programHex: "01", fromEpoch: 200, untilEpoch: 500 };
    expect(nextStep(view({ epoch: 201, admission, collateralEndEpoch: 220 }))).toEqual({
      ...{ step: "wait", untilEpoch: 400 },
    });
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), fc.nat(1000), fc.nat(2000), (epoch, from, lasts, end) => {
        const step = nextStep(
          view({
            epoch: from + Math.min(epoch, lasts),
            admission: { nodeKeyHex: "aa", programHex: "01", fromEpoch: from, untilEpoch: from + lasts },
            collateralEndEpoch: end,
          }),
        );
        const now = from + Math.min(epoch, lasts);
        if (step.step === "wait") {
          expect(step.untilEpoch).toBeGreaterThan(now);
          expect(step.untilEpoch).toBeLessThanOrEqual(from + lasts);
        } else expect(step.step).toBe("renew");
      }),
    );
  });
});
