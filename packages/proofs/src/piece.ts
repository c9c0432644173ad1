/**
 * The door of piece commitments alone, for programs that compute one and should start at once: no circuits, no
 * curves. Pure: no clock, no randomness, no IO.
 */
export { installTreeKernel, plainTreeKernel } from "./merkle/index.ts";
export * from "./piece/index.ts";
