/**
 * What makes Node, or a package of the program, load code that lies elsewhere: variables and options that were there
 * before the first line of the program ran. None of it is among the files that are measured, so a node
 * makes no evidence by software beside it. Options are refused unless they are known to load nothing.
 */
import { attestationErrors } from "./errors.ts";

/** Node's, the loader's of the system, OpenSSL's, and those with which packages find their native parts. */
const loading = [
  /^NODE_PATH$/,
  /^(?:LD_PRELOAD|LD_AUDIT|LD_LIBRARY_PATH)$/,
  /^DYLD_(?:INSERT_LIBRARIES|(?:FALLBACK_)?(?:LIBRARY|FRAMEWORK)_PATH)$/,
  /^OPENSSL_(?:CONF|MODULES|ENGINES)$/,
  /^NAPI_RS_NATIVE_LIBRARY_PATH$/,
  /_PREBUILD$/, // node-gyp-build: the package's name before it
];

/** Memory, warnings, reports: an option with its value in one word. */
const harmless = [
  /^--(?:max-[a-z-]+-size|stack-trace-limit|v8-pool-size|expose-gc)(?:=.*)?$/,
  /^--(?:(?:no-)?warnings|disable-warning|(?:no-|trace-|throw-)deprecation|trace-(?:warnings|uncaught|exit))(?:=.*)?$/,
  /^--(?:report-[a-z-]+|heapsnapshot-[a-z-]+|unhandled-rejections|enable-source-maps|dns-result-order)(?:=.*)?$/,
];

/** Error `attestation/program-environment`. */
export function checkEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[],
): void {
  for (const [variable, value = ""] of Object.entries(env)) {
    if (value !== "" && loading.some((one) => one.test(variable)))
      throw attestationErrors.programEnvironment({ variable, problem: "names code that is loaded with it" });
  }
  const words = (env.NODE_OPTIONS ?? "").split(/\s+/).filter((word) => word !== "");
  checkOptions("NODE_OPTIONS", words);
  checkOptions("node's command line", execArgv);
}

function checkOptions(variable: string, words: readonly string[]): void {
  const word = words.find((one) => !harmless.some((known) => known.test(one.replaceAll("_", "-"))));
  if (word !== undefined)
    throw attestationErrors.programEnvironment({ variable, problem: `has ${word}, which may load code` });
}
