/** The page's pure part: the model, what changes it, and the tree that shows it. */
export { commandLine, getLine, isPasteable, shellWord } from "../command-lines.ts";
export * from "../model.ts";
export { page } from "./page.ts";
export type { Actions } from "./parts.ts";
