/**
 * A second, naive account of what a tipset does to money and nonces: plain additions in the order of the
 * blocks. It takes from the real run only what it cannot know (gas used, exit codes) and predicts the rest.
 * `bug` plants one fault, to show that the comparison would notice it in the rules.
 */
import type { Address } from "@holdfast/base";
import { decode } from "@holdfast/base";
import type { FullBlock, Receipt, SignedMessage } from "@holdfast/consensus";
import { builtinAddresses, messageCid, methods } from "@holdfast/consensus";
import { sendCodec, sendResultCodec } from "./test-actor.ts";
import { testActorAddress } from "./world.ts";

export const ledgerBugs = [
  "fee is not refunded",
  "failed message is free",
  "nonce stays on failure",
  "value stays spent on failure",
  "duplicate is applied twice",
  "one reward for each tipset",
  "fee goes to nobody",
] as const;
export type LedgerBug = (typeof ledgerBugs)[number];

interface Line {
  balance: bigint;
  nonce: number;
}

export class Ledger {
  readonly lines = new Map<Address, Line>();
  readonly #bug: LedgerBug | undefined;

  constructor(bug: LedgerBug | undefined) {
    this.#bug = bug;
  }

  line(address: Address): Line {
    const found = this.lines.get(address) ?? { balance: 0n, nonce: 0 };
    this.lines.set(address, found);
    return found;
  }

  /** Predicts one tipset: which messages (CIDs as text) are applied and which conflict. */
  apply(
    blocks: readonly { readonly block: FullBlock; readonly owner: Address }[],
    reward: bigint,
    receipts: ReadonlyMap<string, Receipt>,
  ): { readonly applied: Set<string>; readonly conflicting: Set<string> } {
    const applied = new Set<string>();
    const conflicting = new Set<string>();
    for (const [index, { block, owner }] of blocks.entries()) {
      if (index === 0 || this.#bug !== "one reward for each tipset") {
        this.line(builtinAddresses(1).reward).balance -= reward;
        this.line(owner).balance += reward;
      }
      for (const signed of block.messages) {
        const cid = messageCid(signed).toString();
        const again = applied.has(cid);
        if (again && this.#bug !== "duplicate is applied twice") continue;
        if (!again && !this.#isPossible(signed)) {
          conflicting.add(cid);
          continue;
        }
        applied.add(cid);
        const receipt = receipts.get(cid);
        if (receipt !== undefined) this.#charge(signed, receipt, owner);
      }
    }
    return { applied, conflicting };
  }

  #isPossible({ message }: SignedMessage): boolean {
    const sender = this.line(message.from);
    const needed = message.value + message.gasPrice * BigInt(message.gasLimit);
    return sender.nonce === message.nonce && sender.balance >= needed;
  }

  #charge(signed: SignedMessage, receipt: Receipt, owner: Address): void {
    const { message } = signed;
    const sender = this.line(message.from);
    const isOk = receipt.exitCode === 0;
    if (isOk || this.#bug !== "nonce stays on failure") sender.nonce += 1;
    const units = this.#bug === "fee is not refunded" ? message.gasLimit : receipt.gasUsed;
    const fee = isOk || this.#bug !== "failed message is free" ? message.gasPrice * BigInt(units) : 0n;
    sender.balance -= fee;
    if (this.#bug !== "fee goes to nobody") this.line(owner).balance += fee;
    if (!isOk && this.#bug === "value stays spent on failure") sender.balance -= message.value;
    if (isOk) this.#move(signed, receipt);
  }

  #move({ message }: SignedMessage, receipt: Receipt): void {
    const { market } = builtinAddresses(1);
    this.line(message.from).balance -= message.value;
    if (message.to === market && message.method === "createMiner") {
      this.line(decode(methods.market.createMiner.returns, receipt.returns)).balance += message.value;
      return;
    }
    this.line(message.to).balance += message.value;
    if (message.to !== testActorAddress || message.method !== "relay") return;
    const inner = decode(sendCodec, message.params);
    if (decode(sendResultCodec, receipt.returns).exitCode !== 0) return;
    this.line(testActorAddress).balance -= inner.value;
    this.line(inner.to).balance += inner.value;
  }
}
