/** What the API takes of a program's platforms is what the chain can write down of them, word by word, and no less. */
import { firmwareComponents, firmwareLines, takenTcbStatuses } from "@holdfast/api";
import { decode, encodeCbor, HoldfastError } from "@holdfast/base";
import { type PlatformRule, platformRuleCodec } from "@holdfast/proofs/attestation";
import { describe, expect, it } from "vitest";

const noVersions = [0, 0, 0, 0, 0];

/** The words of a list on the chain, by their places: all that its codec reads. */
function wordsOf<Word>(ruleWith: (place: number) => unknown[], wordOf: (rule: PlatformRule) => Word): Word[] {
  const words: Word[] = [];
  for (let place = 0; ; place += 1) {
    try {
      words.push(wordOf(decode(platformRuleCodec, encodeCbor(ruleWith(place) as never))));
    } catch (error) {
      if (error instanceof HoldfastError && place > 0) return words;
      throw error;
    }
  }
}

describe("what is asked of platforms", () => {
  it("names the same statuses of the TCB in the API and on the chain", () => {
    const onChain = wordsOf(
      (place) => [0, [place], []],
      ({ tcbStatuses: [word] }) => word,
    );
    expect(onChain).toEqual([...takenTcbStatuses]);
  });

  it("names the same lines of products and parts of firmware", () => {
    const floors = wordsOf(
      (place) => [0, [], [[place, ...noVersions]]],
      ({ leastFirmware: [floor] }) => floor,
    );
    expect(floors.map((floor) => floor?.line)).toEqual([...firmwareLines]);
    for (const floor of floors)
      expect(Object.keys(floor ?? {}).filter((name) => name !== "line")).toEqual([...firmwareComponents]);
  });
});
