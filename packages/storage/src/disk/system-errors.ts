/** Failures of the operating system under the codes of the disk seam. */
import { diskErrors, HoldfastError } from "@holdfast/base";

const outOfSpace = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Runs one operation of the system and gives its failures our codes. */
export async function guarded<T>(operation: string, shownPath: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw asDiskError(operation, shownPath, error);
  }
}

/** A failure of the system as disk/…; one that has a code of ours already stays as it is. */
export function asDiskError(operation: string, shownPath: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = systemCode(error);
  if (outOfSpace.has(code)) return diskErrors.full({ path: shownPath }, error);
  if (code === "ENOENT") return diskErrors.notFound({ path: shownPath }, error);
  if (code === "ENAMETOOLONG") {
    return diskErrors.badPath({ path: shownPath, reason: "has a name that is too long" }, error);
  }
  if (code === "EISDIR") return diskErrors.notAFile({ path: shownPath }, error);
  if (code === "ENOTDIR" || code === "EEXIST") return diskErrors.notAFolder({ path: shownPath }, error);
  const detail = code === "" ? operation : `${operation} (${code})`;
  return diskErrors.io({ path: shownPath, operation: detail }, error);
}

/** Whether the path leads to nothing: no such name, or a file where it has a folder. */
export function isMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
