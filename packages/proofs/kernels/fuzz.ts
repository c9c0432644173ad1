/**
 * `npm run fuzz:kernels [-- --seed S --from N --cases N --seconds S --only NAME]`: random questions to every back end
 * that is here, compared, and calls of the addon with arguments that must be refused. Prints its seed first; a case
 * that fails is printed with the command that repeats it, and ends the run with exit code 1. The environment's
 * HOLDFAST_KERNELS_FOLDER names another build of the addon, such as one that watches every access.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { plainCurveKernel } from "../src/curve/index.ts";
import { plainCessKernel, plainSpaceKernel } from "../src/idle/index.ts";
import { plainTreeKernel } from "../src/merkle/index.ts";
import { plainZigzagPass } from "../src/porep/index.ts";
import { plainLabelPass, plainPairPass } from "../src/sdr/index.ts";
import { plainEraGraph, plainEraPass, plainPedersenRow } from "../src/zigzag2019/index.ts";
import { doorsOn } from "./doors.ts";
import { askedFolder } from "./environment.ts";
import { subjects } from "./fuzz/questions.ts";
import { subjects2019 } from "./fuzz/questions-2019.ts";
import { parentSubjects, plainParentsKernel } from "./fuzz/questions-parents.ts";
import { recorderOf } from "./fuzz/refusals.ts";
import { complaintOfCase, type FuzzedBackend } from "./fuzz/run.ts";
import { createNativeMachine, createWasmMachine } from "./machine.ts";
import { findAddon, kernelsFolder, nativeFolders } from "./native.ts";
import { wasmApi } from "./wasm-api.ts";

const { values: flags } = parseArgs({
  options: {
    seed: { type: "string", default: randomBytes(6).toString("hex") },
    from: { type: "string", default: "0" },
    cases: { type: "string", default: "1000000" },
    seconds: { type: "string", default: "25" },
    only: { type: "string", default: "" },
  },
});

async function wasmBackend(): Promise<FuzzedBackend> {
  const module = await wasmApi.compile(readFileSync(`${kernelsFolder}/kernels.wasm`));
  return { name: "wasm", doors: doorsOn(() => createWasmMachine(module)) };
}

/** With all that the processor has, without each of its extras, and without any. */
function nativeBackends(): readonly FuzzedBackend[] {
  const named = askedFolder();
  const found = findAddon(named === undefined ? nativeFolders : [named]);
  if (found.addon === undefined) {
    console.log(`no native kernels: ${found.reason}`);
    if (named !== undefined) process.exitCode = 1;
    return [];
  }
  const { addon } = found;
  const extras = Object.entries(addon.features);
  const all = extras.reduce((sum, [, bit]) => sum | bit, 0);
  const masks = [
    ["native", all],
    ...extras.map(([name, bit]) => [`native without ${name}`, all & ~bit] as const),
    ["native without extras", 0],
  ] as const;
  return masks.map(([name, mask]) => {
    const recorder = recorderOf(addon.bind(mask));
    return { name, doors: doorsOn(() => createNativeMachine(recorder.calls)), recorder };
  });
}

const reference: FuzzedBackend = {
  name: "reference",
  doors: {
    tree: { poseidonRow: plainTreeKernel.poseidonRow, pedersenRow: plainPedersenRow },
    curve: plainCurveKernel,
    layers: {
      zigzag: plainZigzagPass,
      sdr: plainLabelPass,
      sdrPair: plainPairPass,
      zigzag2019: (layer) => plainEraPass(layer),
      eraGraph: plainEraGraph,
      ...plainParentsKernel,
    },
    space: plainSpaceKernel,
    cess: plainCessKernel,
  },
};

const { seed, only } = flags;
const [from, cases, seconds] = [Number(flags.from), Number(flags.cases), Number(flags.seconds)];
const wasm = await wasmBackend();
const backends = [wasm, ...nativeBackends()] as const;
const all = [...subjects, ...subjects2019, ...parentSubjects];
const chosen = all.filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()));
const startedMs = performance.now();
console.log(`fuzzing ${backends.map(({ name }) => name).join(", ")}; seed ${seed}`);
let done = 0;
while (done < cases && performance.now() - startedMs < 1000 * seconds) {
  const number = from + done;
  const complaint = complaintOfCase({ seed, subjects: chosen, backends, reference }, number);
  done += 1;
  if (complaint === undefined) continue;
  console.log(`case ${number}: ${complaint}`);
  const names = only === "" ? "" : ` --only ${only}`;
  console.log(`repeat it: npm run fuzz:kernels -- --seed ${seed} --from ${number} --cases 1${names}`);
  process.exitCode = 1;
  break;
}
console.log(`${done} cases in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
