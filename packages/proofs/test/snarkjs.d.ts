/** The few functions of snarkjs that the oracle test calls; the package has no types of its own. */
declare module "snarkjs" {
  type MemoryFile = { type: "mem"; data?: Uint8Array };
  type G1Json = readonly string[];
  type G2Json = readonly (readonly string[])[];
  interface ProofJson {
    readonly protocol: string;
    readonly curve: string;
    readonly pi_a: G1Json;
    readonly pi_b: G2Json;
    readonly pi_c: G1Json;
  }
  interface KeyJson {
    readonly protocol: string;
    readonly curve: string;
    readonly nPublic: number;
    readonly vk_alpha_1: G1Json;
    readonly vk_beta_2: G2Json;
    readonly vk_gamma_2: G2Json;
    readonly vk_delta_2: G2Json;
    readonly IC: readonly G1Json[];
  }
  interface Logger {
    info(text: string): void;
    warn(text: string): void;
  }
  interface Curve {
    terminate(): Promise<void>;
  }
  const curves: { getCurveFromName(name: string): Promise<Curve> };
  const powersOfTau: {
    newAccumulator(curve: Curve, power: number, file: MemoryFile): Promise<unknown>;
    contribute(from: MemoryFile, to: MemoryFile, name: string, entropy: string): Promise<unknown>;
    preparePhase2(from: MemoryFile, to: MemoryFile): Promise<unknown>;
  };
  const zKey: {
    newZKey(r1cs: MemoryFile, powers: MemoryFile, to: MemoryFile): Promise<unknown>;
    contribute(from: MemoryFile, to: MemoryFile, name: string, entropy: string): Promise<unknown>;
    exportVerificationKey(key: MemoryFile): Promise<KeyJson>;
  };
  const wtns: { check(r1cs: MemoryFile, witness: MemoryFile, logger: Logger): Promise<boolean> };
  const groth16: {
    prove(key: MemoryFile, witness: MemoryFile): Promise<{ proof: ProofJson; publicSignals: string[] }>;
    verify(key: KeyJson, publicSignals: readonly string[], proof: ProofJson): Promise<boolean>;
  };
}
