/**
 * The SNARK parameters of a sector class on this machine: its verifying keys go into a genesis, its proving
 * keys are looked up by them when a proof is made. They lie in the parameter folder of the user, so every
 * network with the same circuits shares them.
 */
import {
  type ClassKeys,
  circuitUses,
  installProvingKeys,
  type ProvingKey,
  proofsErrors,
  type SectorClass,
  type SectorProfile,
} from "@holdfast/proofs";
import { Bounded } from "./bounded.ts";
import { limits } from "./limits.ts";
import { defaultParameterFolder, openParameterCache } from "./parameter-cache.ts";
import type { ParameterHooks } from "./parameters/index.ts";

/**
 * A class in the succinct form, whose parameters are made by this process if they are not there. Throws
 * proofs/no-circuit, and the errors of the parameter cache.
 */
export async function makeClassKeys(
  profile: SectorProfile,
  hooks: ParameterHooks = {},
): Promise<SectorClass> {
  const cache = openParameterCache({ folder: defaultParameterFolder(process.env) });
  const wanted = circuitUses.map((use) => ({ profile: profile.id, use }));
  const keys: Partial<Record<keyof ClassKeys, Uint8Array>> = {};
  for (const { id, use } of await cache.make(wanted, hooks)) {
    const key = await cache.loadVerifyingKey(id);
    if (key === undefined)
      throw proofsErrors.noParameters({ what: `${use} proofs of ${profile.id}`, key: id });
    keys[use] = key;
  }
  const { seal, window, winning } = keys as ClassKeys;
  return {
    sectorBytes: profile.sectorBytes,
    profile: profile.id,
    proofMode: "groth16",
    keys: { seal, window, winning },
  };
}

/**
 * Lets this thread's provers find their keys in the parameter folder. A key that was loaded stays: reading
 * and checking a file of some megabytes for every block would cost more than the proof's arithmetic.
 */
export function installParameterFolder(): void {
  const cache = openParameterCache({ folder: defaultParameterFolder(process.env) });
  const loaded = new Bounded<ProvingKey>(limits.provingKeys);
  installProvingKeys({
    async find(verifyingKey) {
      const name = Buffer.from(verifyingKey).toString("base64");
      const known = loaded.get(name);
      if (known !== undefined) return known;
      const key = await cache.find(verifyingKey);
      if (key !== undefined) loaded.set(name, key);
      return key;
    },
  });
}
