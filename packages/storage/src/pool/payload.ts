/**
 * Jobs and their results as text, for queues between processes: JSON, with byte strings in the form of DAG-JSON
 * (`{"/":{"bytes":"base64"}}`). What comes out of a queue was put in by this package.
 */
import { type ExitClass, fromBase64, HoldfastError, type JsonObject, toBase64 } from "@holdfast/base";
import { storageErrors } from "../errors.ts";

export function packed(value: unknown): string {
  // Of the holder, not as handed over: a Buffer has by then become something else.
  return JSON.stringify(value, function (this: Record<string, unknown>, name, part: unknown) {
    const bytes = this[name];
    return bytes instanceof Uint8Array ? { "/": { bytes: toBase64(bytes) } } : part;
  });
}

/** `Value` is what the same package has packed. Throws storage/job-failed for what no version of it has. */
export function unpacked<Value>(text: string): Value {
  try {
    return JSON.parse(text, (_name, part: unknown) => bytesOf(part) ?? part) as Value;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw storageErrors.jobFailed({ job: "reading a job", detail }, error);
  }
}

function bytesOf(part: unknown): Uint8Array | undefined {
  if (typeof part !== "object" || part === null || !("/" in part)) return undefined;
  const link = part["/"];
  if (typeof link !== "object" || link === null || !("bytes" in link)) return undefined;
  return typeof link.bytes === "string" ? fromBase64(link.bytes) : undefined;
}

/** Errors travel as data: a copy of an error loses its class and with it code and fix. */
export interface ErrorData {
  readonly code: string;
  readonly message: string;
  readonly data: JsonObject;
  readonly fix: string;
  readonly exit: ExitClass;
}

export function errorData(error: unknown, job: string): ErrorData {
  const known =
    error instanceof HoldfastError
      ? error
      : storageErrors.jobFailed({ job, detail: error instanceof Error ? error.message : String(error) });
  return { ...known.toJSON(), exit: known.exit };
}

export function errorOf(data: ErrorData): HoldfastError {
  return new HoldfastError(data);
}
