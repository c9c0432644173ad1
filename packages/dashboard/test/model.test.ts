/** What the page knows, and how each piece of news changes it. */
import {
  answered,
  filParts,
  heightText,
  isMiner,
  jobToFollow,
  percentText,
  roughly,
  shortFraction,
  shortHeightText,
  shortId,
  stripLength,
  unreachable,
  withHead,
  withPut,
} from "@holdfast/dashboard/page";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { put, tipset } from "./answers.ts";
import { clientModel, head, minerModel } from "./models.ts";

const heights = (model: ReturnType<typeof clientModel>): number[] =>
  model.parts.tipsets.value?.map(({ height }) => height) ?? [];

describe("model", () => {
  it("keeps the strip a chain whatever heads come", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { maxLength: 80 }), (comes) => {
        const end = comes.reduce((model, height) => withHead(model, tipset(height + 1150)), clientModel());
        const strip = heights(end);
        expect(strip.length).toBeLessThanOrEqual(stripLength);
        expect(strip).toEqual([...new Set(strip)].sort((a, b) => b - a));
        if (comes.length > 0) expect(strip[0]).toBe((comes.at(-1) ?? 0) + 1150);
      }),
    );
  });

  it("puts a wider tipset in the place of its height, and changes nothing for the same head", () => {
    const model = clientModel();
    expect(withHead(model, tipset(head))).toBe(model);
    const wider = { ...tipset(head), key: "wider" };
    expect(
      withHead(model, wider)
        .parts.tipsets.value?.map(({ key }) => key)
        .slice(0, 2),
    ).toEqual(["wider", tipset(head - 1).key]);
  });

  it("keeps what it knew when an answer fails, with the failure beside it", () => {
    const part = answered({ value: 7, failure: undefined }, { ok: false, failure: unreachable });
    expect(part).toEqual({ value: 7, failure: unreachable });
    expect(answered(part, { ok: true, value: 8 })).toEqual({ value: 8, failure: undefined });
  });

  it("follows the running put that moved last, and takes over its progress", () => {
    const model = clientModel();
    expect(jobToFollow(model)).toBe("put-7");
    const later = withPut(model, put({ jobId: "put-8", updatedAtMs: 2e12 }));
    expect(jobToFollow(later)).toBe("put-8");
    expect(jobToFollow(withPut(later, put({ jobId: "put-8", state: "done" })))).toBe("put-7");
  });

  it("knows a miner by its role", () => {
    expect([isMiner(clientModel()), isMiner(minerModel())]).toEqual([false, true]);
  });
});

describe("texts", () => {
  it("group amounts and never show money as nothing", () => {
    expect(filParts("1234567.25")).toEqual({ whole: "1\u202f234\u202f567", fraction: ".25" });
    expect(filParts("-0.5")).toEqual({ whole: "−0", fraction: ".5" });
    expect(shortFraction(filParts("0.000000000000000412"))).toBe(".000000000000000412");
    expect(shortFraction(filParts("999.999984716552123456"))).toBe(".999984…");
    expect(shortFraction(filParts("3"))).toBe("");
  });

  it("tell heights as rounds and time, and shares without rounding to nothing", () => {
    expect(heightText(112, 100, 30_000)).toBe("in 12 rounds, about 6m");
    expect(heightText(99, 100, 30_000)).toBe("1 round, about 30s ago");
    expect(heightText(100, 100, 30_000)).toBe("now");
    expect(shortHeightText(99, 100, 30_000)).toBe("30s ago");
    expect(percentText(1, 1e9)).toBe("< 0.1 %");
    expect(percentText(1, 3)).toBe("33.3 %");
    expect(percentText(0, 0)).toBe("0 %");
    expect([roughly(0), roughly(61_000), roughly(90_061_000)]).toEqual(["0s", "1m1s", "1d1h"]);
    expect(shortId("tf2l3u62szr2mzf2ygdwbh5dd4ikxfkapqbrsrfqa")).toBe("tf2l3u…qbrsrfqa");
  });
});
