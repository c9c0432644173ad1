/** Which failures say that a row breaks a rule of the schema; they pass unchanged through both engines. */
import { sqlStateOf } from "./postgres-errors.ts";

/** SQLITE_CONSTRAINT (sqlite.org/rescode.html), the low byte of its extended codes. */
const sqliteConstraint = 19;
/** Class 23 of SQLSTATE: integrity constraint violation. */
const postgresClass = "23";

/** Whether the row refers to one that is missing, is referred to by one that is there, or is there twice. */
export function isConstraintViolated(error: unknown): boolean {
  if (error instanceof Error && "errcode" in error)
    return (Number(error.errcode) & 0xff) === sqliteConstraint;
  return sqlStateOf(error)?.startsWith(postgresClass) === true;
}
