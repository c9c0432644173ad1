/** Structured logs through pino: one JSON object a line, with the node's name in each. */
import type { JsonObject, Logger } from "@holdfast/base";
import pino from "pino";

export interface LogOptions {
  readonly name: string;
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** A file path; without it, standard error. */
  readonly file?: string;
}

export function openLogger(options: LogOptions): Logger & AsyncDisposable {
  const destination = pino.destination({ dest: options.file ?? 2, sync: true, mkdir: true });
  const log = pino({ level: options.level, base: { node: options.name } }, destination);
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (event: string, data?: JsonObject): void =>
      log[level](data ?? {}, event);
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    async [Symbol.asyncDispose]() {
      destination.flushSync();
      if (options.file !== undefined) destination.end();
    },
  };
}
