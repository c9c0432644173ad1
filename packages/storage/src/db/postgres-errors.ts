/**
 * Failures of PostgreSQL and of the way to it, under our codes. What SQLSTATE says:
 * postgresql.org/docs/15/errcodes-appendix.html.
 */
import { storageErrors } from "../errors.ts";

/** What the triggers of a closed job queue say (jobs/postgres-schema.ts): of the classes that a program may define. */
export const closedState = "HF001";

/** Undefined for what did not come from the server: the connection itself has failed. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) && "severity" in error ? error.code : undefined;
}

/** Whether nothing more may be said on a connection that has given this error. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  // 08: connection, 57P0x: the server ends, 25P03: the transaction stood still for too long.
  return state === undefined || state.startsWith("08") || state.startsWith("57P") || state === "25P03";
}

/** What node-postgres says of a wait for one of the pool's own connections, all of which are in use. */
const poolIsBusy = "timeout exceeded when trying to connect";

/** Whether a connection could not be had because of the way to the server, or a server that does not run. */
export function isNoWay(error: unknown): boolean {
  const state = sqlStateOf(error);
  // 57P0x: it ends, or does not take anybody yet. Whatever else it says, such as that it is full, it answers.
  if (state !== undefined) return state.startsWith("57P");
  return !(error instanceof Error && error.message === poolIsBusy);
}

/**
 * A violated constraint and a statement that is not understood stay as they are: our own checks come first, so they
 * are bugs of ours.
 */
export function asPostgresError(place: string, error: unknown): unknown {
  const state = sqlStateOf(error);
  if (state?.startsWith("23") === true || state?.startsWith("42") === true) return error;
  if (state === closedState) return storageErrors.queueMoved({ place }, error);
  if (state === "53100") return storageErrors.databaseFull({ dbPath: place }, error);
  const detail = error instanceof Error ? error.message || error.name : String(error);
  return storageErrors.databaseUnreachable({ place, detail }, error);
}
