/**
 * A verifier's office: the key that it signs with, and what shows that an allowed program has it. Evidence is made and
 * brought to the chain by itself as soon as the operator is admitted, again in the last third of its time, and when
 * the program is another one. Nothing is sent that the chain would refuse: a program that is not on its list is told.
 */
import { type Address, encode, epoch, equalBytes, HoldfastError, toHex } from "@holdfast/base";
import {
  builtinAddresses,
  type IdleVerifier,
  listPinPrograms,
  methods,
  pinNonceTag,
  readIdleVerifiers,
  readNetworkParams,
} from "@holdfast/consensus";
import { verifierErrors } from "./errors.ts";
import type { VerifierKey, VerifierNeeds } from "./needs.ts";

/** Who signs a statement. */
export interface Voice {
  readonly address: Address;
  sign(message: Uint8Array): Uint8Array;
}

export interface OfficeState {
  /** Undefined: this node has not tried to attest since it started. */
  readonly key: VerifierKey | undefined;
  /** Why nothing that it signs counts; undefined if it may, or if it was not admitted. */
  readonly reason: { readonly code: string; readonly message: string } | undefined;
}

/** Rounds between two tries. */
const retryEpochs = 5;
const noEntropy = new Uint8Array(0);

export class Office {
  readonly #needs: VerifierNeeds;
  #opening: Promise<VerifierKey> | undefined;
  #key: VerifierKey | undefined;
  #reason: OfficeState["reason"];
  #triedAt = Number.NEGATIVE_INFINITY;
  #step: Promise<void> | undefined;

  constructor(needs: VerifierNeeds) {
    this.#needs = needs;
  }

  state(): OfficeState {
    return { key: this.#key, reason: this.#reason };
  }
  /** What the chain has of it; undefined: it is not admitted. */
  entry(): IdleVerifier | undefined {
    const { chain, account } = this.#needs;
    const all = readIdleVerifiers(chain.store, chain.headState().state);
    return all.find(({ operator }) => operator === account);
  }

  /** Whose signature the chain takes now; undefined: nobody's. */
  voice(): Voice | undefined {
    const { signer, account } = this.#needs;
    const key = this.entry()?.key ?? undefined;
    if (key !== undefined && key === this.#key?.address) return this.#key;
    const isVouched = key === account && signer.has(account);
    return isVouched ? { address: account, sign: (message) => signer.sign(account, message) } : undefined;
  }

  /** What time brings. Never fails; one look at a time. */
  look(): void {
    this.#step ??= this.#looked().finally(() => {
      this.#step = undefined;
    });
  }
  async settled(): Promise<void> {
    await this.#step;
  }

  async #looked(): Promise<void> {
    try {
      await this.#attest();
      this.#reason = undefined;
    } catch (error) {
      const code = error instanceof HoldfastError ? error.code : "verifier/internal";
      const message = error instanceof Error ? error.message : String(error);
      if (this.#reason?.code !== code)
        this.#needs.logger.warn("this verifier has no voice", { code, detail: message });
      this.#reason = { code, message };
    }
  }

  async #attest(): Promise<void> {
    const { chain, account, signer, sender, logger } = this.#needs;
    const entry = this.entry();
    const { state, tipset } = chain.headState();
    const { height } = tipset;
    if (entry === undefined || height + 1 >= entry.expires) return;
    const isVouched = entry.runs === null && entry.key === account && signer.has(account);
    if (isVouched && height + 1 < entry.validUntil) return;
    const key = await this.#open();
    const params = readNetworkParams(chain.store, state);
    const isSame =
      entry.key === key.address && entry.runs !== null && equalBytes(entry.runs.program, key.program);
    if (isSame && entry.validUntil - height > params.pinEvidenceEpochs / 3) return;
    const listed = listPinPrograms(chain.store, state).find(
      (one) => one.kind === key.kind && equalBytes(one.program, key.program),
    );
    if (listed === undefined || height + 1 >= listed.expires)
      throw verifierErrors.programNotAllowed({ kind: key.kind, program: toHex(key.program) });
    if (height < 1 || height < this.#triedAt + retryEpochs) return;
    this.#triedAt = height;
    const nonceEpoch = epoch(height - 1);
    const nonce = chain.randomnessBelow(tipset)(nonceEpoch, pinNonceTag, noEntropy);
    const evidence = await key.evidence({ operator: account, epoch: nonceEpoch, nonce });
    const proof = { program: key.program, nonceEpoch, evidence };
    await sender.send({
      from: account,
      to: builtinAddresses(chain.params.networkByte).idle,
      method: "attestVerifier",
      params: encode(methods.idle.attestVerifier.params, { publicKey: key.publicKey, proof }),
      key: `idle attest ${account} ${nonceEpoch}`,
    });
    logger.info("this verifier shows what it runs", { kind: key.kind, program: toHex(key.program) });
  }

  async #open(): Promise<VerifierKey> {
    const { attest } = this.#needs;
    if (attest === undefined) throw verifierErrors.notAttesting({ reason: "it has no means to" });
    this.#opening ??= attest();
    try {
      this.#key = await this.#opening;
      return this.#key;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }
}
