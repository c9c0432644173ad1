/** The table of all commands. What is here has `--help`, `--json` and a golden schema test. */
import type { CommandSpec } from "../command.ts";
import { chainCommands } from "./chain.ts";
import { launchCommands } from "./launch.ts";
import { minerCommands } from "./miner.ts";
import { statusCommands } from "./status.ts";
import { storeCommands } from "./store.ts";
import { walletCommands } from "./wallet.ts";

export const commands: readonly CommandSpec[] = [
  ...launchCommands,
  ...storeCommands,
  ...statusCommands,
  ...walletCommands,
  ...minerCommands,
  ...chainCommands,
];
