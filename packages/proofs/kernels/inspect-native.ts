/**
 * Holds the unit that every processor of the platform must be able to run to its word: its machine code, as objdump
 * reads it, has no instruction of an extension. A compiler takes one as soon as a flag or an attribute lets it, and
 * only an older processor would notice.
 */
import { spawnSync } from "node:child_process";

/** AVX and wider; BMI and ADX; SHA, AES and carry-less products; SSSE3 and SSE4 of x86-64. */
const families = [
  "v(?!err$|erw$|mcall)[a-z]\\w*",
  "mulx|adcx|adox|rorx|sarx|shlx|shrx|bzhi|pdep|pext|andn|blsr",
  "sha(1|256)\\w+|aes\\w+|pclmul\\w+",
  "pshufb|palignr|pinsr[dq]|pextr[dq]|crc32",
];
const extensions = new RegExp(`^(${families.join("|")})$`);

const maxOutputBytes = 256 * 2 ** 20;

/** The mnemonics of every instruction that does not belong; undefined where there is no objdump. */
export function extensionsIn(object: string): readonly string[] | undefined {
  const done = spawnSync("objdump", ["-d", "--no-show-raw-insn", object], {
    encoding: "utf8",
    maxBuffer: maxOutputBytes,
  });
  if (done.error !== undefined || done.status !== 0) return undefined;
  const found = new Set<string>();
  for (const line of done.stdout.split("\n")) {
    const mnemonic = /^\s*[0-9a-f]+:\s+(?:(?:lock|rep\w*|data16)\s+)*(\w+)/.exec(line)?.[1] ?? "";
    if (extensions.test(mnemonic)) found.add(mnemonic);
  }
  return [...found].sort();
}
