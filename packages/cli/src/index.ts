/** The command line as a library: the table, its help and its runner, for tests, docs and other front ends. */
export type {
  ArgumentSpec,
  CommandAction,
  CommandContext,
  CommandInput,
  CommandSpec,
  OptionSpec,
} from "./command.ts";
export { commandTable } from "./commands/index.ts";
export { type DemoRequest, type DemoResult, demoResult, runDemo, type StartNetwork } from "./demo.ts";
export {
  type CommandTable,
  commandHelp,
  connectionOptions,
  nounHelp,
  ownOptions,
  programHelp,
  usageOf,
} from "./help.ts";
export { columnsOf, fitted, jsonText, printable, progressBar, wrapped } from "./layout.ts";
export { main } from "./main.ts";
export { type ProgramHost, runProgram } from "./program.ts";
export { type OutputStream, openTerminal, pipeClosed, type Terminal } from "./terminal.ts";
export { type UpRecord, upRecordPath } from "./up-record.ts";
