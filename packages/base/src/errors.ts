/**
 * One shape for every operating error of Holdfast: a stable code, data, the cause and the fix.
 * A room declares its family once with `defineErrors`; programmer errors go through `assert` and are
 * never caught. The exit class maps to the process exit code of the command line (docs: exit codes).
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Exit codes of the `holdfast` program by class of error. */
export const exitCodes = {
  internal: 1,
  usage: 2,
  "not-found": 3,
  funds: 4,
  "proof-invalid": 5,
  network: 6,
  timeout: 7,
  refused: 8,
  "retry-later": 75, // EX_TEMPFAIL of sysexits.h
} as const;

export type ExitClass = keyof typeof exitCodes;

export class HoldfastError extends Error {
  override readonly name = "HoldfastError";
  readonly code: string;
  readonly data: JsonObject;
  readonly fix: string;
  readonly exit: ExitClass;

  constructor(init: {
    readonly code: string;
    readonly message: string;
    readonly data?: JsonObject;
    readonly fix: string;
    readonly exit: ExitClass;
    readonly cause?: unknown;
  }) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.data = init.data ?? {};
    this.fix = init.fix;
    this.exit = init.exit;
  }

  toJSON(): { code: string; message: string; fix: string; data: JsonObject } {
    return { code: this.code, message: this.message, fix: this.fix, data: this.data };
  }
}

export interface ErrorSpec<Data extends JsonObject> {
  readonly exit: ExitClass;
  readonly message: (data: Data) => string;
  readonly fix: string | ((data: Data) => string);
}

// biome-ignore lint/suspicious/noExplicitAny: the data type of each entry is inferred from its own message function.
type ErrorSpecs = { readonly [name: string]: ErrorSpec<any> };

type ErrorFamily<Specs extends ErrorSpecs> = {
  readonly [Name in keyof Specs]: (
    data: Parameters<Specs[Name]["message"]>[0],
    cause?: unknown,
  ) => HoldfastError;
};

/**
 * Declares the errors of one room. `defineErrors("address", { tooShort: … })` gives
 * `addressErrors.tooShort({ text })`, an error with the code `address/too-short`.
 */
export function defineErrors<const Specs extends ErrorSpecs>(
  family: string,
  specs: Specs,
): ErrorFamily<Specs> {
  const entries = Object.entries(specs).map(([name, spec]) => {
    const code = `${family}/${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const create = (data: JsonObject, cause?: unknown): HoldfastError =>
      new HoldfastError({
        code,
        message: spec.message(data),
        data,
        fix: typeof spec.fix === "string" ? spec.fix : spec.fix(data),
        exit: spec.exit,
        cause,
      });
    return [name, create];
  });
  return Object.fromEntries(entries) as ErrorFamily<Specs>;
}

/** An invariant of the program itself. Never caught: the process must not go on with a broken state. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new AssertionFailure(invariant);
}

export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
  constructor(invariant: string) {
    super(`broken invariant: ${invariant}`);
  }
}
