/**
 * The encoding of a sector class in a network's parameters. Invariant: a class names a row of the table of
 * its size, and has verifying keys exactly if its proofs are SNARKs; so a genesis that no node could judge
 * is refused when it is read.
 */
import type { Codec } from "@holdfast/base";
import { c, codecErrors } from "@holdfast/base";
import { type ClassKeys, profileOfClass, type SectorClass } from "@holdfast/proofs/verify";

/** An encoded verifying key: four points, and one of 48 bytes for each public input. */
const maxKeyBytes = 65_536;
const maxSize = 2 ** 40;
const maxProfileIdBytes = 64;
const maxClasses = 64;

const keysCodec: Codec<ClassKeys> = c.tuple("ClassKeys", {
  seal: c.bytes(maxKeyBytes),
  window: c.bytes(maxKeyBytes),
  winning: c.bytes(maxKeyBytes),
});

const rawCodec = c.tuple("SectorClass", {
  sectorBytes: c.uint(maxSize),
  profile: c.text(maxProfileIdBytes),
  keys: c.nullable(keysCodec),
});

/** Encodes the form of the proofs by whether there are keys. */
export const sectorClassCodec: Codec<SectorClass> = {
  name: "SectorClass",
  toCbor: ({ sectorBytes, profile, keys }) => rawCodec.toCbor({ sectorBytes, profile, keys }),
  fromCbor: (value, path) => {
    const raw = rawCodec.fromCbor(value, path);
    const sectorClass = { ...raw, proofMode: raw.keys === null ? "vanilla" : "groth16" } as const;
    if (profileOfClass(sectorClass) === undefined) {
      throw codecErrors.outOfRange({
        path,
        expected: "a known sector profile of that size",
        found: raw.profile,
      });
    }
    return sectorClass;
  },
};

const listCodec = c.list(sectorClassCodec, maxClasses);

/** The classes of a network, one for each size. */
export const sectorClassesCodec: Codec<readonly SectorClass[]> = {
  name: "SectorClasses",
  toCbor: (classes) => listCodec.toCbor(classes),
  fromCbor: (value, path) => {
    const classes = listCodec.fromCbor(value, path);
    const sizes = classes.map(({ sectorBytes }) => sectorBytes);
    const twice = sizes.find((size, i) => sizes.indexOf(size) !== i);
    if (twice === undefined) return classes;
    throw codecErrors.outOfRange({
      path,
      expected: "one class for each size",
      found: `${twice} bytes twice`,
    });
  },
};
