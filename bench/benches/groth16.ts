/**
 * Groth16 from one end to the other through its public door: setup by one party and proofs of a circuit of 2^13,
 * 2^15 and 2^17 constraints, in processor time of all threads, with what of it the kernels take. Half of the
 * circuit's variables are bits, as where hashes are proven, the others use all of the field. The peer is
 * ffjavascript's arithmetic with a proof's sums and transforms, as snarkjs takes ten minutes to set up 2^13.
 */
import { assert } from "@holdfast/base";
import { installNativeKernels } from "@holdfast/node";
import {
  type Circuit,
  type CurveKernel,
  curveKernel,
  frModulus,
  installCurveKernel,
  linear,
  prove,
  setup,
  shapeOf,
  verifyProof,
  witnessOf,
} from "@holdfast/proofs";
import type { Bench, Figure } from "../figure.ts";
import { ffCurve } from "../kernels/ffjavascript.ts";
import { elementBytes, elements } from "../kernels/samples.ts";

const logs = [13, 15, 17] as const;
const peerLog = 13;
const targets: Readonly<Record<number, { readonly setup: number; readonly proof: number }>> = {
  17: { setup: 300, proof: 15 },
};

/** x → x² + bit, a bit and a square at a time; every second constraint says that a bit is one. */
function circuitOf(constraints: number): Circuit<bigint> {
  return {
    id: `bench-squares-${constraints}`,
    synthesize: (cs, start) => {
      let value = start ?? 0n;
      let x = cs.publicInput(() => start);
      for (let made = 0; made + 2 <= constraints; made += 2) {
        const before = value;
        const bit = cs.witness(() => before & 1n);
        cs.enforce(bit, linear.subtract(linear.one, bit), linear.zero);
        value = (before * before + (before & 1n)) % frModulus;
        const after = value;
        const next = cs.witness(() => after);
        cs.enforce(x, x, linear.subtract(next, bit));
        x = next;
      }
    },
  };
}

function cpuS(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The kernel, with the processor time of its calls added up; nothing of it works in several threads here. */
function metered(kernel: CurveKernel): { readonly kernel: CurveKernel; readonly usedS: () => number } {
  let used = 0;
  const meter =
    <Arguments extends unknown[], Result>(call: (...given: Arguments) => Result) =>
    (...given: Arguments): Result => {
      const before = cpuS();
      try {
        return call(...given);
      } finally {
        used += cpuS() - before;
      }
    };
  const wrapped = Object.entries(kernel).map(([name, call]) => [name, meter(call)]);
  return { kernel: Object.fromEntries(wrapped) as CurveKernel, usedS: () => used };
}

interface Timing {
  /** Seconds of the processor, and those of them in kernels. */
  readonly cpu: number;
  readonly kernels: number;
}

function timed<Result>(work: () => Result): Timing & { readonly result: Result } {
  const { kernel, usedS } = metered(curveKernel);
  const putBack = installCurveKernel(kernel);
  const before = cpuS();
  try {
    const result = work();
    return { result, cpu: cpuS() - before, kernels: usedS() };
  } finally {
    putBack();
  }
}

const peakMB = (): number => process.resourceUsage().maxRSS / 1000;

function sized(log: number, peerS: number, say: (text: string) => void): Figure[] {
  const circuit = circuitOf(2 ** log - 4);
  const start = 0x1234_5678_9abc_def0n ** 4n % frModulus;
  say(`2^${log} constraints`);
  const shape = shapeOf(circuit);
  const witness = witnessOf(circuit, start);
  const entropy = new Uint8Array(32).fill(log);
  const made = timed(() => setup(shape, entropy).provingKey);
  const key = made.result;
  prove(key, shape, witness, entropy); // the digest of the shape is made once
  const proof = timed(() => prove(key, shape, witness, entropy));
  assert(verifyProof(key.verifyingKey, [start], proof.result), "a proof of the benchmark verifies");
  const share = ({ cpu, kernels }: Timing): string => `${Math.round((100 * kernels) / cpu)} % in kernels`;
  const target = targets[log];
  const peer = log === peerLog ? { name: "ffjavascript, its sums and transforms", value: peerS } : undefined;
  return [
    {
      name: `setup of 2^${log} constraints by one party`,
      value: made.cpu,
      unit: "s",
      peakMB: peakMB(),
      note: share(made),
      ...(target !== undefined && { target: target.setup }),
    },
    {
      name: `proof of 2^${log} constraints`,
      value: proof.cpu,
      unit: "s",
      peakMB: peakMB(),
      note: share(proof),
      ...(target !== undefined && { target: target.proof }),
      ...(peer !== undefined && { peer }),
    },
  ];
}

/** The processor time of a proof's four sums in G1, one in G2 and seven transforms by ffjavascript. */
async function peerProofS(): Promise<number> {
  const count = 2 ** peerLog;
  const whole = elements(count);
  const witness = whole.slice();
  for (let i = 0; i < count; i += 2)
    witness.fill(0, i * elementBytes, (i + 1) * elementBytes).set([(i >> 1) & 1], i * elementBytes);
  const peer = await ffCurve();
  const works = [
    ...["G1", "G1", "G1"].flatMap(() => peer.sum("G1", count, witness)),
    ...peer.sum("G1", count, whole),
    ...peer.sum("G2", count, witness),
    ...Array.from({ length: 7 }, () => peer.transform(peerLog, whole)).flat(),
  ];
  const before = cpuS();
  for (const { work } of works) await work();
  return cpuS() - before;
}

export const groth16Bench: Bench = {
  name: "groth16",
  about: "Setup by one party and proofs, from constraints to bytes; processor time of all threads.",
  async run({ quick, say }) {
    await installNativeKernels();
    const peerS = await peerProofS();
    return logs.filter((log) => !quick || log <= 15).flatMap((log) => sized(log, peerS, say));
  },
};
