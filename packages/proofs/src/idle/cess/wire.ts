/**
 * How proofs are written: the messages of the original, in protocol buffers (proto3), fields in their order and
 * nothing that is empty. Hashes of batches are over these bytes, so there is one encoding for a proof: what is read
 * is written again and compared.
 * Invariant: bytes of a peer give a record or cess/bad-message; the depth of a record is that of its type.
 * Source: CESSProject/cess_pois v0.6.3, pb/api.proto; Protocol Buffers, encoding.
 */
import { concatBytes, encodeVarint, equalBytes, readBigEndian, VarintReader } from "@holdfast/base";
import { cessValueBytes } from "./accumulator.ts";
import type { CessChain, CessMember, CessTop, CessUpdate } from "./chains.ts";
import { cessErrors } from "./errors.ts";
import type {
  CessCommitProof,
  CessCommits,
  CessDeletionProof,
  CessInsertProof,
  CessNodeProof,
  CessOpening,
  CessSpaceProof,
} from "./records.ts";

/** What the original's server takes. */
const mostBytes = 100 * 2 ** 20;
/** Fields of a message and of all within it: they cost far more memory than bytes. A large proof has 0.9 M. */
const mostFields = 2 ** 20;
const mostValueBytes = 512;
const nothing = new Uint8Array(0);
const hashBytes = 32;

const refuse = (problem: string): Error => cessErrors.badMessage({ problem });

/** Any number of parts: a call takes only so many arguments. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const field = (number: number, bytes: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(8 * number + 2), encodeVarint(bytes.length), bytes);
const optional = (number: number, bytes: Uint8Array): Uint8Array =>
  bytes.length === 0 ? nothing : field(number, bytes);
const count = (number: number, value: number): Uint8Array =>
  value === 0 ? nothing : concatBytes(Uint8Array.of(8 * number), encodeVarint(value));
const packed = (number: number, values: readonly number[]): Uint8Array =>
  optional(number, joined(values.map(encodeVarint)));
const each = <T>(number: number, items: readonly T[], write: (item: T) => Uint8Array): Uint8Array =>
  joined(items.map((item) => field(number, write(item))));
const same = (bytes: Uint8Array): Uint8Array => bytes;

/** The fields of one message; of those that are wanted once the last counts, and writing again finds the others. */
class Fields {
  readonly #found = new Map<number, (Uint8Array | number)[]>();
  readonly #bytes: Uint8Array;
  /** Shared with the messages within. */
  readonly #budget: { fields: number };
  #at = 0;

  constructor(bytes: Uint8Array, budget = { fields: mostFields }) {
    this.#bytes = bytes;
    this.#budget = budget;
    while (this.#at < bytes.length) {
      budget.fields -= 1;
      if (budget.fields < 0) throw refuse(`it has more than ${mostFields} fields`);
      const tag = this.#varint();
      const values = this.#found.get(tag >> 3) ?? [];
      this.#found.set(tag >> 3, values);
      if (tag % 8 === 0) values.push(this.#varint());
      else if (tag % 8 === 2) values.push(this.#take(this.#varint()));
      else throw refuse("a field is neither a number nor bytes");
    }
  }

  #varint(): number {
    const reader = new VarintReader();
    for (; this.#at < this.#bytes.length; ) {
      const value = reader.push(this.#bytes[this.#at] as number);
      this.#at += 1;
      if (value !== undefined) return value;
    }
    throw refuse("it ends within a number");
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw refuse("it ends within a field");
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  /** Bytes of a repeated field. */
  all(number: number): readonly Uint8Array[] {
    return (this.#found.get(number) ?? []).map((value) => {
      if (typeof value === "number") throw refuse("a field has a number for bytes");
      return value;
    });
  }

  bytes(number: number): Uint8Array {
    return this.all(number).at(-1) ?? nothing;
  }

  whole(number: number): number {
    const value = this.#found.get(number)?.at(-1) ?? 0;
    if (typeof value !== "number") throw refuse("a field has bytes for a number");
    return value;
  }

  packed(number: number): readonly number[] {
    const numbers: number[] = [];
    const reader = new VarintReader();
    const bytes = this.bytes(number);
    for (const byte of bytes) {
      const value = reader.push(byte);
      if (value !== undefined) numbers.push(value);
    }
    return numbers;
  }

  one<T>(number: number, read: (fields: Fields) => T): T {
    return read(new Fields(this.bytes(number), this.#budget));
  }

  each<T>(number: number, read: (fields: Fields) => T): readonly T[] {
    return this.all(number).map((bytes) => read(new Fields(bytes, this.#budget)));
  }
}

/** Reads bytes of which there is exactly one for each record. */
function strictly<T>(bytes: Uint8Array, read: (fields: Fields) => T, write: (record: T) => Uint8Array): T {
  if (bytes.length > mostBytes) throw refuse(`it has ${bytes.length} bytes, ${mostBytes} at most`);
  let record: T;
  try {
    record = read(new Fields(bytes));
  } catch (cause) {
    throw cessErrors.badMessage(
      { problem: cause instanceof Error ? cause.message : "it cannot be read" },
      cause,
    );
  }
  if (!equalBytes(write(record), bytes)) throw refuse("it has another encoding");
  return record;
}

function readValue(bytes: Uint8Array): bigint {
  if (bytes.length > mostValueBytes) throw refuse("a number is longer than any modulus");
  return readBigEndian(bytes);
}

function writeOpening({ index, label, path }: CessOpening): Uint8Array {
  const { locs = [], siblings = [] } = path ?? {};
  return concatBytes(
    count(1, index),
    optional(2, label),
    each(3, siblings, same),
    optional(4, Uint8Array.from(locs)),
  );
}

function readOpening(fields: Fields): CessOpening {
  const siblings = fields.all(3);
  const locs = [...fields.bytes(4)];
  if (siblings.some((sibling) => sibling.length !== hashBytes)) throw refuse("a node of a tree has 32 bytes");
  const index = fields.whole(1);
  const label = fields.bytes(2);
  return siblings.length + locs.length === 0 ? { index, label } : { index, label, path: { locs, siblings } };
}

const writeNode = ({ node, parents, elders }: CessNodeProof): Uint8Array =>
  concatBytes(field(1, writeOpening(node)), each(2, parents, writeOpening), each(3, elders, writeOpening));

const readNode = (fields: Fields): CessNodeProof => ({
  node: fields.one(1, readOpening),
  parents: fields.each(2, readOpening),
  elders: fields.each(3, readOpening),
});

const link = (element: Uint8Array, witness: bigint, above: Uint8Array): Uint8Array =>
  concatBytes(optional(1, element), optional(2, cessValueBytes(witness)), field(3, above));

const writeChain = ({ sub, subWitness, mid, midWitness, root }: CessChain): Uint8Array => {
  const top = optional(1, cessValueBytes(root));
  return link(cessValueBytes(sub), subWitness, link(cessValueBytes(mid), midWitness, top));
};

const readChain = (fields: Fields): CessChain => ({
  sub: readValue(fields.bytes(1)),
  subWitness: readValue(fields.bytes(2)),
  ...fields.one(3, (middle) => ({
    mid: readValue(middle.bytes(1)),
    midWitness: readValue(middle.bytes(2)),
    root: middle.one(3, (top) => readValue(top.bytes(1))),
  })),
});

const writeMember = ({ element, witness, chain }: CessMember): Uint8Array =>
  link(element, witness, writeChain(chain));

const readMember = (fields: Fields): CessMember => ({
  element: fields.bytes(1),
  witness: readValue(fields.bytes(2)),
  chain: fields.one(3, readChain),
});

const topValues = ({ sub, mid, root }: CessTop): readonly Uint8Array[] =>
  [sub, mid, root].map(cessValueBytes);

function readTop(values: readonly Uint8Array[]): CessTop {
  const [sub, mid, root] = values.map(readValue);
  if (sub === undefined || mid === undefined || root === undefined || values.length !== 3)
    throw refuse("a path of new values has three");
  return { sub, mid, root };
}

const readUpdate = (fields: Fields, chain: number, top: number): CessUpdate => ({
  before: fields.one(chain, readChain),
  after: readTop(fields.all(top)),
});

export const encodeCessCommits = ({ fileIndexes, roots }: CessCommits): Uint8Array =>
  concatBytes(packed(1, fileIndexes), each(2, roots, same));

/** Throws cess/bad-message, as all that follow. */
export const decodeCessCommits = (bytes: Uint8Array): CessCommits =>
  strictly(bytes, (fields) => ({ fileIndexes: fields.packed(1), roots: fields.all(2) }), encodeCessCommits);

export const encodeCessCommitProof = (proof: CessCommitProof): Uint8Array =>
  each(1, proof, (row) => each(1, row, writeNode));

export const decodeCessCommitProof = (bytes: Uint8Array): CessCommitProof =>
  strictly(bytes, (fields) => fields.each(1, (row) => row.each(1, readNode)), encodeCessCommitProof);

export const encodeCessInsertProof = ({ fileIndexes, elements, update }: CessInsertProof): Uint8Array =>
  concatBytes(
    packed(1, fileIndexes),
    each(2, elements, same),
    field(3, writeChain(update.before)),
    each(4, topValues(update.after), same),
  );

export const decodeCessInsertProof = (bytes: Uint8Array): CessInsertProof =>
  strictly(
    bytes,
    (fields) => ({
      fileIndexes: fields.packed(1),
      elements: fields.all(2),
      update: readUpdate(fields, 3, 4),
    }),
    encodeCessInsertProof,
  );

export const encodeCessSpaceProof = ({ left, right, openings, roots, members }: CessSpaceProof): Uint8Array =>
  concatBytes(
    count(1, left),
    count(2, right),
    each(3, openings, (file) => each(1, file, writeOpening)),
    each(4, roots, same),
    each(5, members, writeMember),
  );

export const decodeCessSpaceProof = (bytes: Uint8Array): CessSpaceProof =>
  strictly(
    bytes,
    (fields) => ({
      left: fields.whole(1),
      right: fields.whole(2),
      openings: fields.each(3, (file) => file.each(1, readOpening)),
      roots: fields.all(4),
      members: fields.each(5, readMember),
    }),
    encodeCessSpaceProof,
  );

export const encodeCessDeletionProof = ({ roots, update }: CessDeletionProof): Uint8Array =>
  concatBytes(
    each(1, roots, same),
    field(2, writeChain(update.before)),
    each(3, topValues(update.after), same),
  );

export const decodeCessDeletionProof = (bytes: Uint8Array): CessDeletionProof =>
  strictly(
    bytes,
    (fields) => ({ roots: fields.all(1), update: readUpdate(fields, 2, 3) }),
    encodeCessDeletionProof,
  );
