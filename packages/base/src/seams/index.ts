/** The door of the seams: clock, randomness, disk, wire and what can go wrong in them. */
export { abortable } from "./cancel.ts";
export { diskErrors, wireErrors } from "./errors.ts";
export { diskPathSegments } from "./paths.ts";
export * from "./types.ts";
