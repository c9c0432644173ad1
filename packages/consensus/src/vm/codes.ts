/**
 * The code table: which actor code belongs to which CID. Two codes are the VM's own: "accountactor" (a key
 * holder; no methods) and "emptyactor" (an address that was funded but has neither sent a message nor been
 * given code, the "empty actor" of go-filecoin 2019).
 */
import type { CID } from "@holdfast/base";
import { assert } from "@holdfast/base";
import { codeNames } from "../types/builtins.ts";
import { codeCid, defineActor } from "./actor-code.ts";
import type { ActorCode } from "./context.ts";

export const accountCode = defineActor({ name: codeNames.account, methods: {} });
/** No code yet: becomes an account with its first message, or any actor through `createNewActor`. */
export const emptyCode = defineActor({ name: "emptyactor", methods: {} });

const accountCidText = accountCode.cid.toString();
const emptyCidText = emptyCode.cid.toString();

export function isAccountCode(code: CID): boolean {
  return code.toString() === accountCidText;
}

export function isEmptyCode(code: CID): boolean {
  return code.toString() === emptyCidText;
}

export class CodeTable {
  readonly #byCid = new Map<string, ActorCode>();
  readonly #byName = new Map<string, ActorCode>();

  constructor(codes: readonly ActorCode[]) {
    for (const code of [accountCode, emptyCode, ...codes]) {
      if (code.name === codeNames.account && this.#byName.has(code.name)) continue;
      assert(!this.#byName.has(code.name), `the actor code ${code.name} is registered once`);
      assert(code.cid.toString() === codeCid(code.name).toString(), `${code.name} has the CID of its name`);
      this.#byCid.set(code.cid.toString(), code);
      this.#byName.set(code.name, code);
    }
  }

  ofCid(cid: CID): ActorCode | undefined {
    return this.#byCid.get(cid.toString());
  }

  ofName(name: string): ActorCode | undefined {
    return this.#byName.get(name);
  }
}
