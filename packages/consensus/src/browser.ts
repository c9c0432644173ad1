/** The light client alone, with what a page needs to name things: a door for who bundles it into one file. */
export { filText, HoldfastError, parseAddress, parseCid } from "@holdfast/base";
export * from "./light/index.ts";
