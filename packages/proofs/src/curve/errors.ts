/** Errors of curve kernels: what a caller handed over has not the shape that it must have. */
import { defineErrors } from "@holdfast/base";

export const curveErrors = defineErrors("curve", {
  badLength: {
    exit: "usage",
    message: (data: { what: string; length: number; unit: number }) =>
      `${data.length} bytes of ${data.what} are not a run of ${data.unit} bytes each`,
    fix: "pass whole points (96 bytes in G1, 192 in G2) and whole scalars (32 bytes)",
  },
  badCount: {
    exit: "usage",
    message: (data: { points: number; scalars: number }) =>
      `${data.points} points do not go with ${data.scalars} scalars`,
    fix: "pass as many scalars as points",
  },
  badDomain: {
    exit: "usage",
    message: (data: { size: number }) => `${data.size} values fill no evaluation domain`,
    fix: "pass a power of two of values, 2^32 at most, the same number in every argument",
  },
  notAPoint: {
    exit: "usage",
    message: (data: { group: string }) => `these bytes are no canonical point of the subgroup ${data.group}`,
    fix: "decode points of others with decodeG1 or decodeG2 first, which refuse such bytes",
  },
  outOfMemory: {
    exit: "refused",
    message: (data: { bytes: number }) => `the kernel cannot have ${data.bytes} bytes of memory`,
    fix: "split the work, or free memory on this machine",
  },
});
