/**
 * Founding from the command line: the folder's layout and this machine's clock are handed in here.
 */
import type { Address } from "@holdfast/base";
import type { NetworkParams } from "@holdfast/consensus";
import { installParameterFolder } from "./class-keys.ts";
import { realClock } from "./clock.ts";
import { beginRecord } from "./devnet-genesis.ts";
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
  installParameterFolder();
  const paths = repoPaths(repo);
  const made = await foundSectors(params, options, {
    clock: realClock(),
    paths,
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  await beginRecord(repo, made.founder.miner as Address);
  return made;
}
