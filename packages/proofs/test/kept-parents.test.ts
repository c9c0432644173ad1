/**
 * Parents of large graphs, found once and kept for a sector's other layers: the same replicas and data as with tables
 * and as without memory to spare, and the graph is asked for one layer of each direction only.
 */
import { equalBytes } from "@holdfast/base";
import {
  findProfile,
  graphOf,
  installSpare,
  type Porep,
  type SectorProfile,
  sdr,
  sdrGraphOf,
  zigzag,
} from "@holdfast/proofs";
import { describe, expect, it } from "vitest";
import { withoutTables } from "./large-graph.ts";
import { profileWithLayers, sectorOf } from "./reference.ts";

const sdrProfile = { ...(findProfile("sdr-2KiB") as SectorProfile), id: "test-sdr-kept", layers: 4 };

describe.each([
  {
    name: "zigzag",
    porep: zigzag as Porep<unknown>,
    profile: profileWithLayers(5, 4096),
    graph: graphOf,
    once: 2,
  },
  { name: "sdr", porep: sdr as Porep<unknown>, profile: sdrProfile, graph: sdrGraphOf, once: 1 },
])("kept parents of $name", ({ porep, profile, graph, once }) => {
  const { identity, data } = sectorOf(profile, 77);
  const expected = porep.replicate(profile, identity, data);
  const asked = withoutTables(graph(identity.networkId, profile));
  /** How often the graph was asked for a layer's parents while `work` was done. */
  const layersAsked = (work: () => void): number => {
    const before = asked.asked;
    work();
    return asked.asked - before;
  };
  const sealed = (): void => {
    const { replica, commRStar } = porep.replicate(profile, identity, data);
    expect(equalBytes(replica, expected.replica)).toBe(true);
    expect(equalBytes(commRStar, expected.commRStar)).toBe(true);
  };
  const extracted = (): void =>
    expect(equalBytes(porep.extract(profile, identity, expected.replica), data)).toBe(true);

  it("are found once for each direction, in sealing and in extracting", () => {
    expect([layersAsked(sealed), layersAsked(extracted)]).toEqual([once, once]);
  });

  it("are found for every layer where there is no memory to spare", () => {
    const restore = installSpare(() => 0);
    try {
      expect([layersAsked(sealed), layersAsked(extracted)]).toEqual([profile.layers, profile.layers]);
    } finally {
      restore();
    }
  });
});
