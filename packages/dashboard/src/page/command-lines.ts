/**
 * The command lines that give what the page shows. They are made to be pasted into a shell, and some of
 * their words come from strangers (names of files): what is not plain is quoted, and what no quotes make
 * harmless on a terminal is left out.
 */

/** Names of the nodes that one `holdfast up` runs; `client` is the one that commands find by themselves. */
const nodesOfUp = /^(bootstrap|miner-\d+)$/;

/** `holdfast status`, for the node that shows this page. */
export function commandLine(nodeName: string, ...words: readonly string[]): string {
  const where = nodesOfUp.test(nodeName) ? ["--node", nodeName] : [];
  return ["holdfast", ...words.map(shellWord), ...where].join(" ");
}

/** `holdfast get CID -o NAME`; without a name if it is none that a shell should see. */
export function getLine(nodeName: string, cid: string, name: string | null): string {
  const safe = name !== null && isPasteable(name) && !name.startsWith("-");
  return commandLine(nodeName, "get", cid, ...(safe ? ["-o", name] : []));
}

/** Control characters end a line or drive a terminal; the others turn text around or separate lines. */
export function isPasteable(text: string): boolean {
  return text !== "" && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(text);
}

/** One word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
