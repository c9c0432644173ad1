/** Errors of Groth16: what a prover or a maker of keys was handed and cannot use. Verifiers answer `false`. */
import { defineErrors } from "@holdfast/base";

export const groth16Errors = defineErrors("groth16", {
  shortEntropy: {
    exit: "usage",
    message: (data: { lengthBytes: number; minBytes: number }) =>
      `${data.lengthBytes} bytes of entropy, at least ${data.minBytes} are needed`,
    fix: "pass 32 or more bytes from the system's random number generator",
  },
  badWitness: {
    exit: "usage",
    message: (data: { reason: string }) => `the witness does not fit the circuit: ${data.reason}`,
    fix: "make the witness with the circuit that the constraints come from",
  },
  unsatisfied: {
    exit: "proof-invalid",
    message: (data: { constraint: number; part: string }) =>
      `the witness does not satisfy constraint ${data.constraint} (${data.part})`,
    fix: "nothing true can be proven with these values; check the data that the witness was made from",
  },
  wrongCircuit: {
    exit: "usage",
    message: (data: { expected: string; actual: string }) =>
      `the proving key is for the circuit ${data.expected}, the constraints are ${data.actual}`,
    fix: "load the parameters of this circuit",
  },
  badKey: {
    exit: "usage",
    message: (data: { part: string }) => `the key is damaged: ${data.part}`,
    fix: "fetch or make the parameters again",
  },
  tooLarge: {
    exit: "usage",
    message: (data: { rows: number; maxRows: number }) =>
      `the circuit has ${data.rows} rows, at most ${data.maxRows} can be set up`,
    fix: "prove fewer challenges in one proof",
  },
});
