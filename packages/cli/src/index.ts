/** The command line as a library: the table and the runner, for tests and for other front ends. */
export type { CommandContext, CommandInput, CommandSpec } from "./command.ts";
export { commands } from "./commands/index.ts";
export { main } from "./main.ts";
export { type ProgramHost, runProgram } from "./program.ts";
export { type UpRecord, upRecordPath } from "./session.ts";
export { openTerminal, type Terminal } from "./terminal.ts";
