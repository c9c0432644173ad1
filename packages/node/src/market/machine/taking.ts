/**
 * A message that takes money out, as the branch of the chain says that is the head now: none was sent · open: it was,
 * and this branch does not have it, or refuses it · taken. Nothing of it is believed for good before it is final.
 */
export type Taking = "none" | "open" | "taken";
