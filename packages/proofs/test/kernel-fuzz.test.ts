/**
 * The fuzzer of the kernels finds what it is for: a back end that is wrong now and then, and one that answers what it
 * must refuse. A few of its cases run here; more run in the checks that build the addon.
 */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { doorsOn, type KernelDoors } from "../kernels/doors.ts";
import { createDraw } from "../kernels/fuzz/draw.ts";
import { subjects } from "../kernels/fuzz/questions.ts";
import { complaintAbout, recorderOf } from "../kernels/fuzz/refusals.ts";
import { complaintOfCase, type FuzzedBackend } from "../kernels/fuzz/run.ts";
import { createNativeMachine, createWasmMachine, type KernelCalls } from "../kernels/machine.ts";
import { findAddon, kernelsFolder } from "../kernels/native.ts";
import { wasmApi } from "../kernels/wasm-api.ts";

const module = await wasmApi.compile(readFileSync(`${kernelsFolder}/kernels.wasm`));
const wasm: FuzzedBackend = { name: "wasm", doors: doorsOn(() => createWasmMachine(module)) };
const { addon } = findAddon();

function firstComplaint(other: FuzzedBackend, only: string, cases: number): string | undefined {
  const chosen = subjects.filter(({ name }) => name.startsWith(only));
  const fuzzing = { seed: "canary", subjects: chosen, backends: [wasm, other] } as const;
  for (let number = 0; number < cases; number += 1) {
    const complaint = complaintOfCase(fuzzing, number);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

const changed = (doors: Partial<KernelDoors>): FuzzedBackend => ({
  name: "planted",
  doors: { ...wasm.doors, ...doors },
});

describe("the fuzzer of the kernels", () => {
  it("finds a back end that is wrong in one value, and one that refuses nothing", () => {
    expect(firstComplaint(changed({}), "fft", 20)).toBeUndefined();
    const { curve } = wasm.doors;
    const wrong: KernelDoors["curve"]["fft"] = (values, options) => {
      const result = curve.fft(values, options);
      if (result.length > 64 && options.coset) result[40] = (result[40] ?? 0) ^ 1;
      return result;
    };
    expect(firstComplaint(changed({ curve: { ...curve, fft: wrong } }), "fft", 60)).toMatch(/planted says/);
    const lax: KernelDoors["curve"]["fft"] = (values, options) => {
      try {
        return curve.fft(values, options);
      } catch {
        return values;
      }
    };
    expect(firstComplaint(changed({ curve: { ...curve, fft: lax } }), "fft", 200)).toMatch(
      /wasm says refused/,
    );
  });

  it("complains of a call that answers what is no argument", () => {
    const answering = { fft: () => -1 } as unknown as KernelCalls;
    const taken = {
      name: "fft",
      args: [new Uint8Array(64), 1, new Uint8Array(32), 0, new Uint8Array(32), 0],
    };
    const complaints = Array.from({ length: 60 }, (_none, i) =>
      complaintAbout(createDraw(String(i)), answering, taken),
    );
    expect(complaints.filter((complaint) => complaint !== undefined).length).toBeGreaterThan(10);
  });

  it.skipIf(addon === undefined)("finds nothing in the native kernels, in a few cases", () => {
    const recorder = recorderOf(addon?.bind(0xffff) ?? ({} as KernelCalls));
    const doors = doorsOn(() => createNativeMachine(recorder.calls));
    expect(firstComplaint({ name: "native", doors, recorder }, "", 40)).toBeUndefined();
  });
});
