/** A network decides how its sectors are sealed: the same story with SDR, and with zigzag's other key derivation. */
import { createNetwork } from "@holdfast/node/testing";
import { findProfile, type SectorClass, vanillaClass } from "@holdfast/proofs";
import { describe, expect, it } from "vitest";

function classesOf(id: string): readonly SectorClass[] {
  const profile = findProfile(id);
  return profile === undefined ? [] : [vanillaClass(profile)];
}

describe.each(["sdr-2KiB", "zigzag-poseidon-2KiB"])("a network of %s sectors", (id) => {
  it("stores a file, proves it, gives it back, and keeps every coin", async () => {
    const sectorClasses = classesOf(id);
    await using net = await createNetwork({
      seed: id,
      miners: 2,
      sectorBytes: 2_048,
      params: { sectorClasses },
    });
    const bytes = Uint8Array.from({ length: 2_600 }, (_none, i) => (i * 7) & 0xff);
    const { cid, job } = await net.put(bytes, { copies: 2 });
    expect(job.copies.map(({ stepsDone }) => stepsDone.includes("proven"))).toEqual([true, true]);
    expect(await net.get(cid)).toEqual(bytes);
    expect(net.money().total).toBe(net.client.node.chain.genesisTotal);
    const { params } = net.client.node.chain;
    expect(params.sectorClasses).toEqual(sectorClasses);
  });
});
