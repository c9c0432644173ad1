/** What is wrong in a configuration, as a person reads it: the key, what it takes, what was found. */
import { TomlError } from "smol-toml";
import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** Characters of a value that are shown: enough to find it. */
const shownLength = 60;
const typeWords: { readonly [expected: string]: string } = {
  ...{ int: "a whole number", number: "a number", boolean: "true or false", string: "text in quotes" },
  ...{ array: "a list in brackets", object: "a section" },
};

/** Of text that is no TOML. */
export function syntaxProblem(cause: unknown): string {
  if (!(cause instanceof TomlError)) return cause instanceof Error ? cause.message : String(cause);
  const [first = ""] = cause.message.split("\n");
  return `line ${cause.line}, column ${cause.column}: ${first.replace(/^Invalid TOML document: /, "")}`;
}

/** Of values that a key does not take, found in `raw`. */
export function valueProblems(issues: readonly Issue[], raw: unknown): string {
  return issues.map((issue) => problemOf(issue, raw)).join("; ");
}

function problemOf(issue: Issue, raw: unknown): string {
  if (issue.code === "unrecognized_keys") {
    const keys = issue.keys.map((key) => nameOf([...issue.path, key])).join(", ");
    return `${keys} ${issue.keys.length === 1 ? "is no key" : "are no keys"} of a node`;
  }
  return `${nameOf(issue.path)} is to be ${wantedBy(issue)}, not ${shown(valueAt(raw, issue.path))}`;
}

/** `minFillPercent in [mining]`; an entry of a list by its place. */
function nameOf(path: readonly PropertyKey[]): string {
  const [section, key, ...rest] = path.map(String);
  if (section === undefined) return "the file";
  if (key === undefined) return section;
  const entry = rest.map((index) => `, entry ${Number(index) + 1}`).join("");
  return `${key} in [${section}]${entry}`;
}

function wantedBy(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeWords[issue.expected] ?? issue.expected;
    case "too_big":
      return `at most ${issue.maximum}${unitOf(issue.origin)}`;
    case "too_small":
      return `at least ${issue.minimum}${unitOf(issue.origin)}`;
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value)).join(" or ");
    case "invalid_union":
      return issue.errors.flatMap(([first]) => (first === undefined ? [] : [wantedBy(first)])).join(" or ");
    default:
      return issue.message; // of formats, whose messages are the configuration's own
  }
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters long";
  return origin === "array" ? " entries" : "";
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? (value as { [key: PropertyKey]: unknown })[key]
        : undefined,
    raw,
  );
}

/** What a URL says between its scheme and its host. */
const userInfo = /(?<=:\/\/)[^@]*@/g;

/** As it is in the file, but no password: problems are printed and logged. */
function shown(value: unknown): string {
  if (typeof value === "object") return Array.isArray(value) ? `a list of ${value.length}` : "a section";
  const text = typeof value === "string" ? JSON.stringify(value.replaceAll(userInfo, "…@")) : String(value);
  return text.length <= shownLength ? text : `${text.slice(0, shownLength)}…`;
}
