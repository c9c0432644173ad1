/**
 * The kinds of proof of replication that a network may use, by the kind of a row of the table. Who only verifies takes
 * seal-check.ts: a kind brings its prover along.
 */
import { type Porep, zigzag } from "./porep/index.ts";
import type { PorepKind, SectorProfile } from "./profiles.ts";
import { sdr } from "./sdr/index.ts";

const poreps: Readonly<Record<PorepKind, Porep<unknown>>> = { zigzag, sdr };

/** The seven algorithms of the row's kind. */
export function porepOf(profile: SectorProfile): Porep<unknown> {
  return poreps[profile.kind];
}

/** Bytes that sealing leaves for the seal proof, until it is made. */
export function auxLengthOf(profile: SectorProfile): number {
  return porepOf(profile).auxLength(profile);
}
