/**
 * The side that pays. One request after the other: what is counted is what was paid. Invariant: a payment is in the
 * record before its message is signed, and the message's key is made of the record, so that whatever stops the node in
 * between, the same request is paid once and the count is right.
 */
import { type Address, attoFil, HoldfastError, parseAddress } from "@holdfast/base";
import { protocolAt, readActor } from "@holdfast/consensus";
import { faucetErrors } from "./errors.ts";
import type { FaucetNeeds, FaucetRequest, FaucetService } from "./needs.ts";
import type { Paid } from "./protocol.ts";
import { machineOf, refusalOf } from "./rules.ts";
import { openPaymentStore, type Payment, type PaymentStore } from "./store.ts";

/** What the faucet of the network gives now; 0: there is none. */
export function amountNow({ chain }: Pick<FaucetNeeds, "chain">) {
  const { params } = protocolAt(chain.protocol(), chain.headState().tipset.height + 1);
  return params.networkByte === 0 ? attoFil(0n) : params.faucetAmount;
}

const sendKeyOf = ({ requester, key, address }: Payment): string => `faucet:${requester}:${address}:${key}`;

export class Teller {
  readonly #needs: FaucetNeeds;
  readonly #service: FaucetService;
  readonly #store: PaymentStore;
  readonly #waiting = new Map<string, number>();
  #waitingCount = 0;
  #stopped = false;
  #last: Promise<unknown>;

  /** Errors: `faucet/not-allowed-here`, `faucet/not-ours`. */
  constructor(needs: FaucetNeeds, service: FaucetService) {
    this.#needs = needs;
    this.#service = service;
    if (amountNow(needs) === 0n) {
      throw faucetErrors.notAllowedHere({ network: needs.chain.params.name });
    }
    const { account } = service;
    if (account !== undefined && !needs.signer.has(account)) throw faucetErrors.notOurs({ account });
    this.#store = openPaymentStore(needs.database);
    this.#last = this.#payOwed();
  }

  get account(): Address {
    return this.#service.account ?? this.#needs.signer.payer();
  }

  get balance() {
    const { chain } = this.#needs;
    return readActor(chain.store, chain.headState().state, this.account)?.balance ?? attoFil(0n);
  }

  /** Payments of the present window. */
  get paid(): number {
    return this.#store.countSince(this.#needs.clock.nowMs() - this.#needs.limits.faucetWindowMs);
  }

  /** Errors: `faucet/…`. */
  async give(requester: string, remote: string | undefined, request: FaucetRequest): Promise<Paid> {
    const { faucetQueue, faucetQueuePerPeer } = this.#needs.limits;
    const own = this.#waiting.get(requester) ?? 0;
    if (this.#waitingCount >= faucetQueue || own >= faucetQueuePerPeer) throw faucetErrors.busy({});
    this.#waitingCount += 1;
    this.#waiting.set(requester, own + 1);
    const result = this.#last.then(() => this.#give(requester, remote, request));
    this.#last = result.catch(() => undefined);
    try {
      return await result;
    } finally {
      this.#waitingCount -= 1;
      const left = (this.#waiting.get(requester) ?? 1) - 1;
      if (left > 0) this.#waiting.set(requester, left);
      else this.#waiting.delete(requester);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#last;
  }

  async #give(requester: string, remote: string | undefined, { address, key }: FaucetRequest): Promise<Paid> {
    const { clock, limits, chain } = this.#needs;
    if (this.#stopped) throw faucetErrors.stopped({});
    const to = this.#addressOf(address);
    const known = this.#store.find(requester, key);
    if (known !== undefined) {
      if (known.address !== to) throw faucetErrors.keyReused({ key });
      return this.#pay(known);
    }
    const amount = amountNow(this.#needs);
    if (amount === 0n) throw faucetErrors.notAllowedHere({ network: chain.params.name });
    const nowMs = clock.nowMs();
    this.#store.forgetBefore(nowMs - Math.max(limits.faucetMemoryMs, limits.faucetWindowMs));
    this.#store.noneAfter(nowMs);
    const machine = machineOf(remote);
    const refusal = refusalOf(this.#store, { address: to, requester, machine }, nowMs, limits);
    if (refusal !== undefined) throw faucetErrors.limitReached(refusal);
    const payment = { requester, key, address: to, machine, amount, atMs: nowMs };
    this.#store.insert(payment);
    return this.#pay(payment);
  }

  /** Sends what is in the record, if it was not sent; what cannot be sent is taken out of the record. */
  async #pay(payment: Payment): Promise<Paid> {
    const { sender, logger } = this.#needs;
    const { address, amount } = payment;
    const account = this.account;
    const key = sendKeyOf(payment);
    let sent = sender.sentAs(key);
    if (sent === undefined) {
      try {
        sent = await sender.send({ from: account, to: address, value: amount, key });
        logger.info("the faucet pays", { address, message: sent.cid.toString() });
      } catch (error) {
        if (sender.sentAs(key) === undefined) this.#store.drop(payment);
        if (!(error instanceof HoldfastError) || error.exit !== "funds") throw error;
        throw faucetErrors.empty({ account }, error);
      }
    }
    return { message: sent.cid, amount, account, balance: this.balance };
  }

  /** The node may have stopped between the record and the message. */
  async #payOwed(): Promise<void> {
    const { sender, logger } = this.#needs;
    for (const payment of this.#store.all()) {
      if (this.#stopped || sender.sentAs(sendKeyOf(payment)) !== undefined) continue;
      try {
        await this.#pay(payment);
      } catch (error) {
        logger.info("an owed payment is not made", { address: payment.address, detail: String(error) });
      }
    }
  }

  #addressOf(text: string): Address {
    const network = this.#needs.chain.params.networkByte;
    let address: Address;
    try {
      address = parseAddress(text, { network });
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      throw faucetErrors.wrongAddress({ problem }, cause);
    }
    if (address === this.account) throw faucetErrors.wrongAddress({ problem: "it is the faucet's own" });
    return address;
  }
}
