/**
 * snarkjs as an oracle: an implementation that shares nothing with ours reads our constraints and witnesses,
 * sets up, proves and verifies, and each side accepts the other's proofs under the other's keys.
 *
 * snarkjs is GPL-3.0. It is used here and only here, in tests, and is no part of what is shipped.
 */
import { bigEndian, concatBytes, readBigEndian } from "@holdfast/base";
import {
  type Circuit,
  decodeProof,
  encodeProof,
  gadgets,
  installCurveKernel,
  linear,
  poseidonHash,
  postCircuit,
  prove,
  publicInputsOf,
  type R1cs,
  setup,
  shapeOf,
  type VerifyingKey,
  verifyProof,
  verifyProofs,
  witnessOf,
  writeR1cs,
  writeWtns,
  zigzagSealCircuit,
} from "@holdfast/proofs";
import { loadKernels } from "@holdfast/proofs/kernels";
import * as snarkjs from "snarkjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postAssignment, sealAssignment } from "./circuit-fixtures.ts";
import { entropyOf, inputsOf, plantedSystem, productSystem, productWitness } from "./groth16-fixtures.ts";

installCurveKernel((await loadKernels()).curve);

type Curve = Awaited<ReturnType<typeof snarkjs.curves.getCurveFromName>>;
type Key = Awaited<ReturnType<typeof snarkjs.zKey.exportVerificationKey>>;
type Proof = Awaited<ReturnType<typeof snarkjs.groth16.prove>>["proof"];
type File = { type: "mem"; data?: Uint8Array };

const emptyFile = (): File => ({ type: "mem" });
const fileOf = (data: Uint8Array): File => ({ type: "mem", data });

/** snarkjs writes points as decimal numbers, projective with a last coordinate of 1, and u's real part first. */
const coordinate = (text: string | undefined): Uint8Array => bigEndian(BigInt(text ?? "0"), 48);
const decimal = (bytes: Uint8Array): string => readBigEndian(bytes).toString();

const g1Of = ([x, y]: readonly string[]): Uint8Array => concatBytes(coordinate(x), coordinate(y));
function g2Of([x = [], y = []]: readonly (readonly string[])[]): Uint8Array {
  return concatBytes(coordinate(x[1]), coordinate(x[0]), coordinate(y[1]), coordinate(y[0]));
}
const g1Json = (point: Uint8Array): string[] => [
  decimal(point.subarray(0, 48)),
  decimal(point.subarray(48)),
  "1",
];
function g2Json(point: Uint8Array): string[][] {
  const [x1, x0, y1, y0] = [0, 48, 96, 144].map((at) => decimal(point.subarray(at, at + 48)));
  return [
    [x0 ?? "", x1 ?? ""],
    [y0 ?? "", y1 ?? ""],
    ["1", "0"],
  ];
}

const keyOf = (key: Key): VerifyingKey => ({
  alphaG1: g1Of(key.vk_alpha_1),
  betaG2: g2Of(key.vk_beta_2),
  gammaG2: g2Of(key.vk_gamma_2),
  deltaG2: g2Of(key.vk_delta_2),
  ic: concatBytes(...key.IC.map(g1Of)),
});

const keyJson = (key: VerifyingKey): Key => ({
  protocol: "groth16",
  curve: "bls12381",
  nPublic: publicInputsOf(key),
  vk_alpha_1: g1Json(key.alphaG1),
  vk_beta_2: g2Json(key.betaG2),
  vk_gamma_2: g2Json(key.gammaG2),
  vk_delta_2: g2Json(key.deltaG2),
  IC: Array.from({ length: key.ic.length / 96 }, (_none, i) => g1Json(key.ic.subarray(96 * i, 96 * i + 96))),
});

const proofOf = ({ pi_a, pi_b, pi_c }: Proof): Uint8Array =>
  encodeProof({ a: g1Of(pi_a), b: g2Of(pi_b), c: g1Of(pi_c) });

function proofJson(bytes: Uint8Array): Proof {
  const points = decodeProof(bytes);
  if (points === undefined) throw new Error("our proof does not decode");
  const { a, b, c } = points;
  return { protocol: "groth16", curve: "bls12381", pi_a: g1Json(a), pi_b: g2Json(b), pi_c: g1Json(c) };
}

/** Two numbers with a public Poseidon hash: a circuit made of the gadgets. */
const preimageCircuit: Circuit<readonly bigint[]> = {
  id: "poseidon-preimage{arity: 2}",
  synthesize: (cs, numbers) => {
    const hash = cs.publicInput(() => numbers && poseidonHash(numbers));
    const preimage = [0, 1].map((i) => cs.witness(() => numbers?.[i]));
    cs.enforce(gadgets.poseidonGadget(cs, preimage), linear.one, hash);
  },
};

const oneOpening = { nodes: 2, sectorsPerProof: 1, challengesPerSector: 1 } as const;

function caseOf<Assignment>(circuit: Circuit<Assignment>, assignment: Assignment) {
  return { name: circuit.id, r1cs: shapeOf(circuit), witness: witnessOf(circuit, assignment) };
}

/** Whether snarkjs finds that the witness satisfies the constraints. */
function isRight(r1cs: R1cs, witness: readonly bigint[]): Promise<boolean> {
  const silent = { info: () => undefined, warn: () => undefined };
  return snarkjs.wtns.check(fileOf(writeR1cs(r1cs)), fileOf(writeWtns(witness)), silent);
}

describe("Groth16 and snarkjs", () => {
  let curve: Curve;
  const powers = emptyFile();

  beforeAll(async () => {
    curve = await snarkjs.curves.getCurveFromName("bls12381");
    const [fresh, contributed] = [emptyFile(), emptyFile()];
    await snarkjs.powersOfTau.newAccumulator(curve, 8, fresh);
    await snarkjs.powersOfTau.contribute(fresh, contributed, "test", "entropy of the test");
    await snarkjs.powersOfTau.preparePhase2(contributed, powers);
  });

  // Its workers would keep the process alive.
  afterAll(() => curve.terminate());

  async function theirs(r1cs: R1cs, witness: readonly bigint[]): Promise<{ key: Key; proof: Proof }> {
    const [first, second] = [emptyFile(), emptyFile()];
    await snarkjs.zKey.newZKey(fileOf(writeR1cs(r1cs)), powers, first);
    await snarkjs.zKey.contribute(first, second, "test", "more entropy of the test");
    const key = await snarkjs.zKey.exportVerificationKey(second);
    const { proof, publicSignals } = await snarkjs.groth16.prove(second, fileOf(writeWtns(witness)));
    expect(publicSignals.map(BigInt)).toEqual(inputsOf(r1cs, witness));
    return { key, proof };
  }

  async function theyAccept(r1cs: R1cs, witness: readonly bigint[]): Promise<void> {
    const { provingKey } = setup(r1cs, entropyOf("setup"));
    const proof = proofJson(prove(provingKey, r1cs, witness, entropyOf("blinding")));
    const key = keyJson(provingKey.verifyingKey);
    const verdict = (inputs: readonly bigint[]): Promise<boolean> =>
      snarkjs.groth16.verify(key, inputs.map(String), proof);
    const [first = 0n, ...rest] = inputsOf(r1cs, witness);
    expect(await verdict([first, ...rest])).toBe(true);
    expect(await verdict([first + 1n, ...rest])).toBe(false);
  }

  const planted = plantedSystem(11, { rows: 12, inputs: 3, hidden: 6 });
  const circuits = [
    { name: "a product of three", r1cs: productSystem(), witness: productWitness(3n, 5n, 7n) },
    { name: "a random system", r1cs: planted.r1cs, witness: planted.witness },
    // The smallest that there is, 238 constraints: snarkjs takes 12 s of CPU for them.
    caseOf(postCircuit(oneOpening), postAssignment(oneOpening, [[1]])),
  ];

  for (const { name, r1cs, witness } of circuits) {
    const [first = 0n, ...rest] = inputsOf(r1cs, witness);

    it(`${name}: we accept their proof under their key`, async () => {
      const { key, proof } = await theirs(r1cs, witness);
      const [vk, bytes] = [keyOf(key), proofOf(proof)];
      expect(verifyProof(vk, [first, ...rest], bytes)).toBe(true);
      expect(verifyProof(vk, [first + 1n, ...rest], bytes)).toBe(false);
      const ours = setup(r1cs, entropyOf(name)).provingKey;
      const both = [
        { vk, publicInputs: [first, ...rest], proof: bytes },
        {
          vk: ours.verifyingKey,
          publicInputs: [first, ...rest],
          proof: prove(ours, r1cs, witness, entropyOf(name)),
        },
      ];
      expect(verifyProofs(both)).toBe(true);
    });

    it(`${name}: they accept our proof under our key`, () => theyAccept(r1cs, witness));
  }

  // Its setup by snarkjs would take longer than all other tests of this file.
  it("a preimage of Poseidon: they find our witness right and accept our proof under our key", async () => {
    const r1cs = shapeOf(preimageCircuit);
    const witness = witnessOf(preimageCircuit, [11n, 13n]);
    expect(await isRight(r1cs, witness)).toBe(true);
    expect(await isRight(r1cs, witness.with(40, 1n))).toBe(false);
    await theyAccept(r1cs, witness);
  });

  it("the circuit of seals: they find our witness right and accept our proof under our key", async () => {
    const shape = { nodes: 8, challengesPerProof: 1, keyDerivation: "poseidon" } as const;
    const assignment = sealAssignment(shape, [{ layer: 2, node: 2, parents: [3, 7, 5] }]);
    const { r1cs, witness } = caseOf(zigzagSealCircuit(shape), assignment);
    expect(await isRight(r1cs, witness)).toBe(true);
    expect(await isRight(r1cs, witness.with(-1, 1n))).toBe(false);
    await theyAccept(r1cs, witness);
  });
});
