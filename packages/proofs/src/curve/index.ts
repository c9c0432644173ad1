/** BLS12-381 as bytes: strict encodings of points, and the kernel of multi-exponentiations and transforms. */
export { domainRoot, frGenerator, frPower } from "./domain.ts";
export {
  decodeG1Compressed,
  decodeG1Uncompressed,
  decodeG2Compressed,
  decodeG2Uncompressed,
  encodeG1Compressed,
  encodeG2Compressed,
  type InfinityPolicy,
} from "./encoding.ts";
export { curveErrors } from "./errors.ts";
export {
  fpModulus,
  type G1Point,
  type G2Point,
  g1Bytes,
  g1BytesOf,
  g1PointOf,
  g2Bytes,
  g2BytesOf,
  g2PointOf,
} from "./groups.ts";
export {
  type CurveCall,
  type CurveKernel,
  curveCall,
  curveCalls,
  curveKernel,
  installCurveKernel,
  type StartedCalls,
  startCalls,
} from "./kernel.ts";
export { plainCurveKernel } from "./plain.ts";
