/** Records of a state as JSON for people: amounts in FIL, hashes in hex. */
import { filText, toHex } from "@holdfast/base";

export type PlainJson = string | number | boolean | null | PlainJson[] | { [key: string]: PlainJson };

/** Any of our records as JSON. A bigint of a state is an amount, or power, which JSON tells by its name. */
export function plainJson(value: unknown, name = ""): PlainJson {
  if (typeof value === "bigint")
    return name.toLowerCase().includes("power") ? value.toString() : filText(value as never);
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map((entry) => plainJson(entry, name));
  if (typeof value === "object" && value !== null) {
    if ("multihash" in value) return String(value);
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plainJson(entry, key)]));
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}
