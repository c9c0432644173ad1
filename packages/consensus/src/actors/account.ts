/** The account actor: holds money and a nonce; it has no methods and no state (go-filecoin 2019). */
import { codeNames } from "../types/builtins.ts";
import { actorOf } from "./kit.ts";

export const accountMethods = {} as const;
export const accountActor = actorOf(codeNames.account, accountMethods);
