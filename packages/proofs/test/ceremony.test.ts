/**
 * Ceremonies through the public door: what several people made verifies and proves, and each way to cheat (a wrong,
 * replayed, reordered or missing contribution, bent powers, a bent key) is refused with its own code.
 */
import { concatBytes, sha256 } from "@holdfast/base";
import {
  beaconToCircuit,
  beaconToPowers,
  type CeremonyVerdict,
  type CircuitCeremony,
  type Contribution,
  checkProvingKey,
  circuitHash,
  continuesCircuit,
  continuesPowers,
  contributeToCircuit,
  contributeToPowers,
  decodePowersOfTau,
  decodeTranscript,
  decodeVerifyingKey,
  encodePowersOfTau,
  encodeProvingKey,
  encodeTranscript,
  encodeVerifyingKey,
  installCurveKernel,
  newCircuitCeremony,
  newPowersOfTau,
  type Powers,
  type PowersOfTau,
  powersHash,
  prove,
  setup,
  verifyPowersOfTau,
  verifyProof,
  verifyTranscript,
} from "@holdfast/proofs";
import { loadKernels } from "@holdfast/proofs/kernels";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { describe, expect, it } from "vitest";
import { entropyOf, inputsOf, plantedSystem, productSystem, productWitness } from "./groth16-fixtures.ts";
import { codeOf, smallOrderPoint } from "./groth16-oracle.ts";

// The compiled kernels make this suite ten times faster; they give the bytes of the reference.
installCurveKernel((await loadKernels()).curve);

const beacon = { seed: entropyOf("public value"), iterations: 64 };
const r1cs = productSystem();
const witness = productWitness(2n, 3n, 7n);

const fresh = newPowersOfTau(3);
const byAda = contributeToPowers(fresh, "Ada", entropyOf("ada"));
const byBob = contributeToPowers(byAda, "Bob", entropyOf("bob"));
const phase1 = beaconToPowers(byBob, "beacon", beacon);
// Behind the contribution of one person, which is quicker to verify than three.
const start = newCircuitCeremony(byAda, r1cs);
const byEve = contributeToCircuit(start, "Eve", entropyOf("eve"));
const byDan = contributeToCircuit(byEve, "Dan", entropyOf("dan"));
const whole = beaconToCircuit(byDan, "beacon", beacon);

const faultOf = ({ ok, steps }: CeremonyVerdict): string | null => {
  const fault = steps.at(-1)?.fault ?? null;
  expect(ok).toBe(fault === null);
  expect(steps.slice(0, -1).every((step) => step.fault === null)).toBe(true);
  return fault;
};
const powersFault = (contributions: readonly Contribution[], powers: Powers = phase1.powers): string | null =>
  faultOf(verifyPowersOfTau({ powers, contributions }));
const circuitFault = (ceremony: Partial<CircuitCeremony>): string | null => {
  const { transcript, provingKey } = { ...whole, ...ceremony };
  return faultOf(verifyTranscript(r1cs, transcript, provingKey));
};

/** What a liar hands on: other powers, under a digest that fits them. */
function handOn(powers: Powers): PowersOfTau {
  const { tauG1, tauG2, alphaTauG1, betaTauG1, betaG2 } = powers;
  const stateDigest = sha256(concatBytes(tauG1, tauG2, alphaTauG1, betaTauG1, betaG2));
  return { powers, contributions: byAda.contributions.map((ada) => ({ ...ada, stateDigest })) };
}

function handOnKey(provingKey: CircuitCeremony["provingKey"]): CircuitCeremony {
  const stateDigest = sha256(encodeProvingKey(provingKey));
  const contributions = byEve.transcript.contributions.map((eve) => ({ ...eve, stateDigest }));
  return { transcript: { ...byEve.transcript, contributions }, provingKey };
}

/** A run of points with one of them replaced. */
function bend(points: Uint8Array, at: number, point: Uint8Array): Uint8Array {
  const bent = points.slice();
  bent.set(point, at * point.length);
  return bent;
}
const otherG1 = bls12_381.G1.Point.BASE.multiply(7n).toBytes(false);
const otherG2 = bls12_381.G2.Point.BASE.multiply(7n).toBytes(false);

describe("a ceremony", () => {
  it("of several people and beacons verifies, step by step", () => {
    let ceremony = newCircuitCeremony(phase1, r1cs);
    for (const name of ["Eve", "Dan"]) ceremony = contributeToCircuit(ceremony, name, entropyOf(name));
    const { transcript, provingKey } = beaconToCircuit(ceremony, "beacon", beacon);
    const verdict = verifyTranscript(r1cs, transcript, provingKey);
    expect(faultOf(verdict)).toBe(null);
    const names = verdict.steps.filter(({ check }) => check === "follows the one before");
    expect(names.map(({ phase, name }) => `${phase} ${name}`)).toEqual([
      "1 Ada",
      "1 Bob",
      "1 beacon",
      "2 Eve",
      "2 Dan",
      "2 beacon",
    ]);
  });

  it("gives a key that is sound and proves", () => {
    const { provingKey } = whole;
    expect(checkProvingKey(provingKey, r1cs)).toEqual({ ok: true });
    const proof = prove(provingKey, r1cs, witness, entropyOf("proof"));
    expect(verifyProof(provingKey.verifyingKey, inputsOf(r1cs, witness), proof)).toBe(true);
    expect(verifyProof(byDan.provingKey.verifyingKey, inputsOf(r1cs, witness), proof)).toBe(false);
  });

  it("has no key to verify with before somebody contributed: γ = δ would let proofs move to other inputs", () => {
    const { provingKey } = start;
    const proof = prove(provingKey, r1cs, witness, entropyOf("early"));
    expect(verifyProof(provingKey.verifyingKey, inputsOf(r1cs, witness), proof)).toBe(false);
    expect(decodeVerifyingKey(encodeVerifyingKey(provingKey.verifyingKey))).toBeUndefined();
    expect(checkProvingKey(provingKey, r1cs)).toEqual({ ok: false, check: "verifying-key" });
  });

  it("serves circuits of several sizes", () => {
    for (const [seed, rows] of [1, 5].entries()) {
      const planted = plantedSystem(seed, { rows, inputs: 1, hidden: 3 });
      const { provingKey } = contributeToCircuit(
        newCircuitCeremony(byAda, planted.r1cs),
        "Eve",
        entropyOf("eve"),
      );
      const proof = prove(provingKey, planted.r1cs, planted.witness, entropyOf("proof"));
      expect(verifyProof(provingKey.verifyingKey, inputsOf(planted.r1cs, planted.witness), proof)).toBe(true);
    }
    const large = plantedSystem(1, { rows: 8, inputs: 0, hidden: 3 }).r1cs;
    expect(codeOf(() => newCircuitCeremony(byAda, large))).toBe("ceremony/too-small");
    expect(faultOf(verifyTranscript(large, whole.transcript, whole.provingKey))).toBe(
      "ceremony/other-circuit",
    );
  });

  it("is determined by the entropy, and one entropy gives other factors at another place", () => {
    expect(contributeToPowers(fresh, "Ada", entropyOf("ada"))).toEqual(byAda);
    const again = contributeToPowers(byAda, "Ada", entropyOf("ada"));
    expect(again.contributions[1]?.shares[0]?.key).not.toEqual(byAda.contributions[0]?.shares[0]?.key);
    expect(powersHash(again)).not.toEqual(powersHash(byAda));
    expect(circuitHash(byEve.transcript)).not.toEqual(circuitHash(start.transcript));
  });

  it("refuses those who cannot contribute", () => {
    const enter = (name: string, entropy: Uint8Array) => () => contributeToPowers(fresh, name, entropy);
    for (const name of ["", " Ada", 'A"da', "A\nda", "A\\da", "a".repeat(65)]) {
      expect(codeOf(enter(name, entropyOf("x")))).toBe("ceremony/bad-name");
    }
    expect(codeOf(enter("Ada", new Uint8Array(31)))).toBe("groth16/short-entropy");
    expect(codeOf(() => contributeToPowers(phase1, "Zoe", entropyOf("zoe")))).toBe("ceremony/closed");
    expect(codeOf(() => contributeToCircuit(whole, "Zoe", entropyOf("zoe")))).toBe("ceremony/closed");
    for (const logSize of [0, 29, 2.5]) {
      expect(codeOf(() => newPowersOfTau(logSize))).toBe("ceremony/bad-size");
    }
    for (const iterations of [0, 1.5, 2 ** 24 + 1]) {
      expect(codeOf(() => beaconToPowers(byBob, "beacon", { ...beacon, iterations }))).toBe(
        "ceremony/bad-beacon",
      );
    }
  });

  it("never multiplies foreign bytes that are no points: that would leak the factors", () => {
    const point = smallOrderPoint();
    const { x, y } = point.toAffine();
    const bytes = Buffer.from(x.toString(16).padStart(96, "0") + y.toString(16).padStart(96, "0"), "hex");
    const powers = { ...byAda.powers, tauG1: bend(byAda.powers.tauG1, 2, bytes) };
    expect(codeOf(() => contributeToPowers({ ...byAda, powers }, "Bob", entropyOf("bob")))).toBe(
      "ceremony/bad-points",
    );
    const provingKey = { ...byEve.provingKey, h: bend(byEve.provingKey.h, 1, bytes) };
    expect(codeOf(() => contributeToCircuit({ ...byEve, provingKey }, "Dan", entropyOf("dan")))).toBe(
      "ceremony/bad-points",
    );
    const lied = handOn({ ...byAda.powers, tauG1: bend(byAda.powers.tauG1, 2, bytes) });
    expect(faultOf(verifyPowersOfTau(lied))).toBe("ceremony/bad-points");
  });
});

describe("contributions that are refused", () => {
  const [ada, bob, last] = phase1.contributions as [Contribution, Contribution, Contribution];
  const [eve, dan, end] = whole.transcript.contributions as [Contribution, Contribution, Contribution];
  const circuitChain = (contributions: readonly Contribution[]): string | null =>
    circuitFault({ transcript: { ...whole.transcript, contributions } });

  it("missing", () => {
    expect(powersFault([])).toBe("ceremony/no-contribution");
    expect(powersFault([bob, last])).toBe("ceremony/broken-chain");
    expect(powersFault([ada, last])).toBe("ceremony/broken-chain");
    expect(powersFault([ada, bob])).toBe("ceremony/wrong-state");
    expect(circuitChain([eve, end])).toBe("ceremony/broken-chain");
    expect(circuitChain([eve, dan])).toBe("ceremony/wrong-state");
    expect(circuitChain([])).toBe("ceremony/no-contribution");
  });

  it("of beacons alone: everybody knows their factors, whatever they are called", () => {
    const alice = beaconToPowers(fresh, "Alice", beacon);
    expect(faultOf(verifyPowersOfTau(alice))).toBe("ceremony/no-contribution");
    const bob = beaconToCircuit(newCircuitCeremony(byAda, r1cs), "Bob", beacon);
    expect(circuitFault(bob)).toBe("ceremony/no-contribution");
  });

  it("reordered or replayed", () => {
    expect(powersFault([bob, ada, last])).toBe("ceremony/broken-chain");
    expect(powersFault([ada, ada, bob, last])).toBe("ceremony/broken-chain");
    const moved = { ...ada, previous: powersHash(byAda) };
    expect(powersFault([ada, moved])).toBe("ceremony/bad-proof-of-knowledge");
    expect(powersFault([{ ...ada, name: "Mallory" }])).toBe("ceremony/bad-proof-of-knowledge");
    // The second phase of one ceremony behind the first phase of another.
    expect(circuitFault({ transcript: { ...whole.transcript, phase1: byBob } })).toBe(
      "ceremony/broken-chain",
    );
    // A second phase that began with another key than the first phase gives.
    const other = newCircuitCeremony(contributeToPowers(fresh, "Bob", entropyOf("bob")), r1cs);
    const begun = { ...other, transcript: { ...other.transcript, phase1: byAda } };
    expect(circuitFault(contributeToCircuit(begun, "Eve", entropyOf("eve")))).toBe("ceremony/bad-derivation");
  });

  it("of factors that nobody knew, or that are not those of the values", () => {
    const [tau, alpha, beta] = ada.shares as [Contribution["shares"][0], ...Contribution["shares"]];
    const crossed = { ...ada, shares: [alpha ?? tau, tau, beta ?? tau] };
    expect(powersFault([crossed])).toBe("ceremony/bad-proof-of-knowledge");
    for (const role of [0, 1, 2]) {
      expect(powersFault([{ ...ada, values: ada.values.with(role, otherG1) }])).toBe("ceremony/bad-ratio");
    }
    expect(circuitChain([{ ...eve, values: [otherG1] }])).toBe("ceremony/bad-ratio");
  });

  it("of a beacon that is another, or that was not the end", () => {
    const other = { ...beacon, iterations: 65 };
    expect(powersFault([ada, bob, { ...last, beacon: other }])).toBe("ceremony/bad-beacon");
    expect(powersFault([ada, bob, { ...last, beacon: null }])).toBe("ceremony/bad-proof-of-knowledge");
    let asked = 0;
    const blink = { ...last };
    Object.defineProperty(blink, "beacon", { get: () => (asked++ === 0 ? null : beacon) });
    const late = contributeToPowers({ ...phase1, contributions: [ada, bob, blink] }, "Zoe", entropyOf("zoe"));
    expect(powersFault([ada, bob, last, ...late.contributions.slice(3)])).toBe("ceremony/after-beacon");
  });

  it("whose powers are none, in any of their parts", () => {
    const { powers } = byAda;
    const lies: Partial<Powers>[] = [
      { tauG1: bend(powers.tauG1, 14, otherG1) },
      { tauG2: bend(powers.tauG2, 7, otherG2) },
      { alphaTauG1: bend(powers.alphaTauG1, 5, otherG1) },
      { betaTauG1: bend(powers.betaTauG1, 1, otherG1) },
      { betaG2: otherG2 },
      { tauG1: bend(powers.tauG1, 0, otherG1) },
      { tauG2: bend(powers.tauG2, 0, otherG2) },
    ];
    expect(powersFault(byAda.contributions, { ...powers, ...lies[0] })).toBe("ceremony/wrong-state");
    for (const lie of lies) {
      expect(faultOf(verifyPowersOfTau(handOn({ ...powers, ...lie })))).toBe("ceremony/bad-powers");
    }
    const cut = { ...powers, tauG1: powers.tauG1.subarray(96) };
    expect(faultOf(verifyPowersOfTau(handOn(cut)))).toBe("ceremony/bad-powers");
  });

  it("whose key is another one", () => {
    const { transcript, provingKey } = byEve;
    const lies = [
      { l: bend(provingKey.l, 0, otherG1) },
      { h: bend(provingKey.h, 3, otherG1) },
      { bG2: bend(provingKey.bG2, 0, otherG2) },
      { verifyingKey: { ...provingKey.verifyingKey, ic: bend(provingKey.verifyingKey.ic, 1, otherG1) } },
      { verifyingKey: { ...provingKey.verifyingKey, deltaG2: otherG2 } },
    ];
    for (const lie of lies) {
      expect(circuitFault(handOnKey({ ...provingKey, ...lie }))).toBe("ceremony/bad-key");
    }
    expect(circuitFault({ transcript, provingKey: { ...provingKey, ...lies[0] } })).toBe(
      "ceremony/wrong-state",
    );
    expect(circuitFault({ transcript, provingKey: setup(r1cs, entropyOf("x")).provingKey })).toBe(
      "ceremony/wrong-state",
    );
    expect(circuitFault({ transcript, provingKey: { ...provingKey, h: provingKey.h.subarray(96) } })).toBe(
      "ceremony/wrong-state",
    );
  });
});

describe("files of ceremonies", () => {
  const powersFile = encodePowersOfTau(phase1);
  const transcriptFile = encodeTranscript(whole.transcript);

  it("come back as they went", () => {
    expect(decodePowersOfTau(powersFile)).toEqual(phase1);
    expect(decodeTranscript(transcriptFile)).toEqual(whole.transcript);
    expect(decodePowersOfTau(encodePowersOfTau(fresh))).toEqual(fresh);
  });

  it("have one encoding and no other length, magic or version", () => {
    for (const [file, decode] of [
      [powersFile, decodePowersOfTau],
      [transcriptFile, decodeTranscript],
    ] as const) {
      for (let length = 0; length < file.length; length += 1999) {
        expect(decode(file.subarray(0, length))).toBe(undefined);
      }
      expect(decode(new Uint8Array([...file, 0]))).toBe(undefined);
      for (const at of [0, 7, 11, 15, 19]) expect(decode(file.with(at, 0xfe))).toBe(undefined);
    }
    expect(decodePowersOfTau(transcriptFile)).toBe(undefined);
    expect(decodeTranscript(powersFile)).toBe(undefined);
  });

  it("a changed byte in a record is no encoding or no ceremony", () => {
    const firstRecord = 20;
    for (let at = firstRecord; at < firstRecord + 600; at += 97) {
      const decoded = decodePowersOfTau(powersFile.with(at, (powersFile[at] ?? 0) ^ 0x21));
      if (decoded !== undefined) expect(verifyPowersOfTau(decoded).ok).toBe(false);
    }
  });

  it("a coordinator sees whether a file continues the one that went out", () => {
    expect(continuesPowers(byAda, byBob)).toBe(true);
    expect(continuesPowers(fresh, byAda)).toBe(true);
    for (const other of [byAda, phase1, contributeToPowers(fresh, "Bob", entropyOf("bob"))]) {
      expect(continuesPowers(byAda, other)).toBe(false);
    }
    expect(continuesCircuit(start.transcript, byEve.transcript)).toBe(true);
    expect(continuesCircuit(byEve.transcript, byDan.transcript)).toBe(true);
    expect(continuesCircuit(byEve.transcript, byEve.transcript)).toBe(false);
    expect(continuesCircuit(byDan.transcript, byEve.transcript)).toBe(false);
  });
});
