/** Buffers that are lent: who asks for a length gets one that was given back; no more are kept than have a place. */
import { BufferStock, findProfile, installAllocator, porepOf, type SectorProfile } from "@holdfast/proofs";
import { describe, expect, it } from "vitest";
import { profileWithLayers, sectorOf } from "./reference.ts";

const mebibyte = 2 ** 20;

describe("a stock of buffers", () => {
  it("lends a buffer again, to one at a time", () => {
    let made = 0;
    const stock = new BufferStock((bytes) => {
      made += 1;
      return new Uint8Array(bytes);
    });
    const first = stock.borrow(64);
    const second = stock.borrow(64);
    expect(second === first).toBe(false);
    stock.giveBack(first, second);
    const again = [stock.borrow(64), stock.borrow(64)];
    expect([first, second].every((one) => again.includes(one))).toBe(true);
    expect(made).toBe(2);
    expect([first, second].includes(stock.borrow(64))).toBe(false);
    stock.giveBack(first);
    expect(stock.borrow(65)).toHaveLength(65);
    expect(made).toBe(4);
  });

  it("keeps the newest, up to its bound", () => {
    const stock = new BufferStock((bytes) => new Uint8Array(bytes));
    const buffers = Array.from({ length: 5 }, () => stock.borrow(8 * mebibyte));
    const tooLarge = stock.borrow(33 * mebibyte);
    for (const buffer of buffers) stock.giveBack(buffer);
    stock.giveBack(tooLarge);
    expect(stock.borrow(33 * mebibyte) === tooLarge).toBe(false);
    const lent = buffers.map(() => stock.borrow(8 * mebibyte));
    expect(buffers.map((buffer) => lent.includes(buffer))).toEqual([false, true, true, true, true]);
  });
});

describe("a seal in buffers that are not empty", () => {
  const kinds = [
    ["zigzag", profileWithLayers(3, 4096)],
    ["sdr", findProfile("sdr-2KiB") as SectorProfile],
  ] as const;

  it.each(kinds)("by %s gives the same bytes", (_name, profile) => {
    const { identity, data } = sectorOf(profile, 5);
    const sealed = () => porepOf(profile).replicate(profile, identity, data).aux;
    const clean = sealed();
    const restore = installAllocator((bytes) => new Uint8Array(bytes).fill(0xa5));
    try {
      expect(sealed()).toEqual(clean);
      expect(sealed()).toEqual(clean);
    } finally {
      restore();
    }
  });
});
