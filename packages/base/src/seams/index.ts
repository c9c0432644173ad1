/** The door of the seams: clock, randomness, disk, wire and what can go wrong in them. */
export type * from "./types.ts";
