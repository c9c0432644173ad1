/**
 * Idle files of the compatibility profile: labels by every back end and on both ways, beside SHA-512 alone on the same
 * lanes (labels of the first layer, which have two blocks and no parents: a quarter of their blocks is what four
 * allow) and beside what the public Go program was recorded to make. Then its primes, beside one test of a prime.
 */
import { checkPrimeSync } from "node:crypto";
import { installNumberFunctions } from "@holdfast/node";
import {
  allocate,
  type CessKernel,
  cessHead,
  cessLabelBytes,
  cessPrime,
  cessShape,
  numberKernel,
  plainCessKernel,
  plainModPow,
  rsa2048,
} from "@holdfast/proofs";
import { type LoadedKernels, loadNativeKernels, loadWasmKernels } from "@holdfast/proofs/kernels";
import type { Bench, Figure } from "../figure.ts";
import { measureInTurns, type Sampling } from "../measure.ts";

/** Go 1.19 on another machine (Zen 3, 3.2 GHz): recorded, not measured here. */
const recorded = { name: "CESS in Go (recorded on another machine)", value: 49_700 };
const block = 4096;
const { nodes, degree } = cessShape;
const tableRows = 256 * degree;
const middle = Math.floor(nodes / 3);

function rows(count: number, seed: number): Uint8Array {
  const bytes = allocate(count * cessLabelBytes);
  for (let i = 0; i < bytes.length; i += 8) bytes[i] = (i * seed) >> 5;
  return bytes;
}

interface Material {
  readonly layer: { readonly [name in "into" | "previous" | "elders" | "before"]: Uint8Array };
  readonly tables: readonly [Uint8Array, Uint8Array];
  readonly columns: { readonly [name in "into" | "straight" | "elders" | "before"]: Uint8Array };
}

const material = (): Material => ({
  layer: { into: rows(nodes, 1), previous: rows(nodes, 3), elders: rows(nodes, 5), before: rows(nodes, 7) },
  tables: [rows(tableRows, 9), rows(tableRows, 11)],
  columns: { into: rows(block, 1), straight: rows(block, 3), elders: rows(block, 5), before: rows(block, 7) },
});

/** What one call of each makes: `direct` labels by the graph alone, `block` by tables. */
function worksOf(kernel: CessKernel, { layer, tables, columns }: Material, direct: number, count: number) {
  const place = { minerId: new Uint8Array(32).fill(3), shape: cessShape, cluster: 5 };
  const head = cessHead({ ...place, realLayer: 9 });
  const first = cessHead({ ...place, realLayer: 0 });
  const pass = kernel.cessLayer({ head, ...layer });
  const [table, previous] = tables;
  const at = { low: nodes / 2, count, beside: false };
  return {
    graph: () => pass?.run(middle, direct),
    tables: () => kernel.cessColumns({ head, ...columns, table, previous, ...at }),
    hashing: () => kernel.cessColumns({ head: first, into: columns.into, table, ...at }),
  };
}

async function labels(by: string, kernel: CessKernel, given: Material, sampling: Sampling, few: number) {
  const [direct, count] = [Math.min(few, 20_000), Math.min(few, block)];
  const found = await measureInTurns(worksOf(kernel, given, direct, count), sampling);
  const bound = { name: "SHA-512 alone", value: (found.hashing.rate * count) / 2 };
  const figure = (name: string, rate: number, spread: number): Figure => {
    return { name, by, value: rate, unit: "/s", spread, peer: recorded, bound };
  };
  return [
    figure("labels of idle files, by the graph", found.graph.rate * direct, found.graph.spread),
    figure("labels of idle files, columns by tables", found.tables.rate * count, found.tables.spread),
  ];
}

async function numbers(sampling: Sampling): Promise<readonly Figure[]> {
  let seed = 0;
  const fresh = (): Uint8Array => {
    seed += 1;
    return Uint8Array.from([seed & 0xff, seed >> 8, 1]);
  };
  const prime = cessPrime(Uint8Array.of(1));
  const { modulus } = rsa2048;
  const found = await measureInTurns(
    {
      hashed: () => cessPrime(fresh()),
      tested: () => checkPrimeSync(prime),
      power: () => numberKernel.modPow(modulus / 3n, prime, modulus),
      plain: () => plainModPow(modulus / 3n, prime, modulus),
    },
    sampling,
  );
  return [
    {
      name: "hashing to a prime of 532 bits",
      value: found.hashed.rate,
      unit: "/s",
      spread: found.hashed.spread,
      bound: { name: "one checkPrime of node:crypto", value: found.tested.rate },
    },
    {
      name: "power of 532 bits modulo 2048 bits",
      value: found.power.rate,
      unit: "/s",
      spread: found.power.spread,
      reference: found.plain.rate,
    },
  ];
}

export const idleLabelsBench: Bench = {
  name: "idle-labels",
  about: "idle files of the compatibility profile, one thread, every back end; its primes",
  async run({ quick, say }) {
    installNumberFunctions();
    const sampling: Sampling = quick ? { samples: 3, sampleMs: 60 } : { samples: 7, sampleMs: 150 };
    const native = loadNativeKernels();
    if (native.backend !== "native") say(native.reason ?? "no native kernels");
    const variant = (without: readonly string[]): LoadedKernels => loadNativeKernels({ without });
    const loaded: readonly (readonly [string, LoadedKernels])[] = [
      ["wasm", await loadWasmKernels()],
      ...(native.backend === "native"
        ? ([
            ["native", native],
            ["native, without AVX-512", variant(["avx512", "ifma"])],
            ["native, no extras", variant(native.features ?? [])],
          ] as const)
        : []),
    ];
    const given = material();
    const figures: Figure[] = [...(await labels("reference", plainCessKernel, given, sampling, 64))];
    for (const [by, { cess }] of loaded)
      figures.push(...(await labels(by, { ...plainCessKernel, ...cess }, given, sampling, nodes)));
    return [...figures, ...(await numbers(sampling))];
  },
};
