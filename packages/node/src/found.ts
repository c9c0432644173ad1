/** Founding from the command line: the folder's layout and this machine's clock are handed in here. */
import type { NetworkParams } from "@holdfast/consensus";
import { realClock } from "./clock.ts";
import { type FounderOptions, foundSectors } from "./founding/index.ts";
import { checkVacant, repoPaths } from "./repo/index.ts";

/** Errors: `repo/exists`, and those of `foundSectors`. */
export async function foundIn(
  repo: string,
  params: NetworkParams,
  options: FounderOptions,
  passphrase?: string,
): ReturnType<typeof foundSectors> {
  await checkVacant(repo);
  const paths = repoPaths(repo);
  return foundSectors(params, options, {
    clock: realClock(),
    paths,
    ...(passphrase === undefined ? {} : { passphrase }),
  });
}
