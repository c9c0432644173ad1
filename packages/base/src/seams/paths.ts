/**
 * Paths of the disk seam: relative, forward slashes, and no way out of the root. Both twins check with
 * this one function, so that a path which a simulation accepts is never refused (or worse, followed) later.
 */
import { diskErrors } from "./errors.ts";

const maxSegmentCharacters = 255; // what ext4, APFS and NTFS allow for one name
const maxPathCharacters = 1_024;

/**
 * The names of a path from the root down. `folder: true` also allows "", the root itself.
 * Fails with `disk/bad-path`.
 */
export function diskPathSegments(path: string, options?: { readonly folder: boolean }): string[] {
  const refuse = (reason: string) => diskErrors.badPath({ path: path.slice(0, maxPathCharacters), reason });
  if (path === "") {
    if (options?.folder === true) return [];
    throw refuse("is empty");
  }
  if (path.length > maxPathCharacters) throw refuse(`has more than ${maxPathCharacters} characters`);
  if (path.includes("\0")) throw refuse("holds a NUL character");
  if (path.includes("\\")) throw refuse("holds a backslash");
  if (path.startsWith("/")) throw refuse("is absolute");
  const segments = path.split("/");
  for (const segment of segments) {
    if (segment === "") throw refuse("has an empty name");
    if (segment === "." || segment === "..") throw refuse(`has the name "${segment}"`);
    if (segment.length > maxSegmentCharacters) throw refuse("has a name that is too long");
  }
  return segments;
}
