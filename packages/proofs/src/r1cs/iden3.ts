/**
 * The binary formats in which circuits travel between tools: `.r1cs` (version 1) for constraints and `.wtns`
 * (version 2) for a witness. Numbers are little-endian, field elements 32 bytes; wires are our variables, and
 * every public input is declared as one (none as an output).
 * Source: iden3, "Binary format for R1CS"; the `.wtns` layout as snarkjs reads and writes it.
 */
import { concatBytes, littleEndian, utf8Bytes } from "@holdfast/base";
import { frBytes, frModulus, frsToBytes } from "../field/index.ts";
import { r1csErrors } from "./errors.ts";
import type { SparseMatrix } from "./rows.ts";
import type { R1cs } from "./system.ts";

const r1csVersion = 1;
const wtnsVersion = 2;
const sectionTypes = { header: 1, constraints: 2, labels: 3 } as const;
const wtnsSections = { header: 1, values: 2 } as const;
/** A file is one byte array here; beyond this a writer that streams is needed. */
const maxFileBytes = 2 ** 31;

const word = (value: number): Uint8Array => littleEndian(value, 4);

function section(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((total, part) => total + part.length, 0);
  return concatBytes(word(type), littleEndian(length, 8), ...parts);
}

/** The prime of the field, which is no element of it. */
const prime = littleEndian(frModulus, frBytes);

function constraintBytes(r1cs: R1cs): Uint8Array {
  const matrices = [r1cs.a, r1cs.b, r1cs.c];
  const terms = matrices.reduce((total, { columns }) => total + columns.length, 0);
  const length = terms * (4 + frBytes) + r1cs.constraintCount * matrices.length * 4;
  if (length > maxFileBytes) {
    throw r1csErrors.tooLarge({ what: "bytes of constraints", count: length, limit: maxFileBytes });
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const encoded = new Map<readonly bigint[], Uint8Array>();
  const valuesOf = ({ values }: SparseMatrix): Uint8Array => {
    const known = encoded.get(values) ?? frsToBytes(values);
    encoded.set(values, known);
    return known;
  };
  const tables = matrices.map(valuesOf);
  let at = 0;
  for (let row = 0; row < r1cs.constraintCount; row += 1) {
    matrices.forEach(({ rowStarts, columns, coefficients }, which) => {
      const end = rowStarts[row + 1] as number;
      const start = rowStarts[row] as number;
      view.setUint32(at, end - start, true);
      at += 4;
      for (let term = start; term < end; term += 1) {
        view.setUint32(at, columns[term] as number, true);
        const place = (coefficients[term] as number) * frBytes;
        bytes.set((tables[which] as Uint8Array).subarray(place, place + frBytes), at + 4);
        at += 4 + frBytes;
      }
    });
  }
  return bytes;
}

/** The `.r1cs` file of a constraint system. Throws r1cs/too-large above 2 GiB. */
export function writeR1cs(r1cs: R1cs): Uint8Array {
  const { publicCount, variableCount, constraintCount } = r1cs;
  const privateCount = variableCount - 1 - publicCount;
  const labels = new Uint8Array(variableCount * 8);
  const view = new DataView(labels.buffer);
  for (let wire = 0; wire < variableCount; wire += 1) view.setUint32(wire * 8, wire, true);
  const header = [
    word(frBytes),
    prime,
    word(variableCount),
    word(0), // public outputs
    word(publicCount),
    word(privateCount),
    littleEndian(variableCount, 8), // labels
    word(constraintCount),
  ];
  return concatBytes(
    utf8Bytes("r1cs"),
    word(r1csVersion),
    word(Object.keys(sectionTypes).length),
    section(sectionTypes.header, ...header),
    section(sectionTypes.constraints, constraintBytes(r1cs)),
    section(sectionTypes.labels, labels),
  );
}

/** The `.wtns` file of a witness (values in [0, r)). */
export function writeWtns(witness: readonly bigint[]): Uint8Array {
  return concatBytes(
    utf8Bytes("wtns"),
    word(wtnsVersion),
    word(Object.keys(wtnsSections).length),
    section(wtnsSections.header, word(frBytes), prime, word(witness.length)),
    section(wtnsSections.values, frsToBytes(witness)),
  );
}
