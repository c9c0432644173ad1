/**
 * Money that several people of a simulation hold together: they make a multisig, one of them proposes a payment, others
 * approve it, one after the other; some want more than there is, some change their mind.
 */
import { type Address, attoFil, c, decode, encode } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import { builtinAddresses, methods, readMultisig } from "@holdfast/consensus";
import type { Deeds, SentMessage } from "./deeds.ts";
import { network, type SimNode } from "./node.ts";
import type { World } from "./world.ts";

const { init } = builtinAddresses(network);
const plentyOfGas = 3_000_000;
/** Rounds in which a multisig should be mined. */
const patienceRounds = 6;

export interface SavingsNeeds {
  readonly world: World;
  readonly deeds: Deeds;
  readonly honest: readonly SimNode[];
  readonly key: (node: SimNode, what: string) => string;
  /** Waits for a height; throws when nothing new begins. */
  readonly reach: (node: SimNode, height: number) => Promise<void>;
}

const heightOf = (node: SimNode): number => node.running?.chain.head().height ?? 0;

export class Savings {
  readonly #needs: SavingsNeeds;

  constructor(needs: SavingsNeeds) {
    this.#needs = needs;
  }

  /** From its making to the last approval. */
  async live(node: SimNode, random: SeededRandom): Promise<void> {
    const { honest } = this.#needs;
    const members = random.shuffle(honest).slice(0, random.between(1, 3));
    const threshold = random.between(1, 3);
    const amount = BigInt(random.between(1, 1_000)) * 10n ** 12n;
    const made = await this.#make(node, { members, threshold, amount, lock: random.pick([0, 0, 20]) });
    if (made === undefined) return;
    try {
      const fund = await this.#addressOf(made);
      if (fund === undefined) return;
      const [proposer = node, ...others] = members;
      await this.#propose(
        proposer,
        { fund, amount: (amount * BigInt(random.between(1, 110))) / 100n },
        random,
      );
      for (const member of random.chance(0.2) ? [...others, proposer] : others) {
        await this.#needs.reach(member, heightOf(member) + 1);
        await this.#answer(member, fund, random.chance(0.1) ? "cancel" : "approve");
      }
    } catch {
      // The day is over.
    }
  }

  #make(
    node: SimNode,
    given: {
      readonly members: readonly SimNode[];
      readonly threshold: number;
      readonly amount: bigint;
      readonly lock: number;
    },
  ): Promise<SentMessage | undefined> {
    const { members, threshold, amount, lock } = given;
    return this.#call(node, init, {
      method: "createMultisig",
      value: amount,
      params: encode(methods.init.createMultisig.params, {
        signers: members.map(({ identity }) => identity.account),
        threshold,
        unlockEpochs: lock,
      }),
    });
  }

  #call(
    node: SimNode,
    to: Address,
    {
      method,
      params,
      value = 0n,
    }: { readonly method: string; readonly params: Uint8Array; readonly value?: bigint },
  ): Promise<SentMessage | undefined> {
    const { deeds, key } = this.#needs;
    const call = { to, method, params, value: attoFil(value), gasLimit: plentyOfGas };
    return deeds.send(node, key(node, method), call);
  }

  /** Of a multisig that is in the chain; undefined if it failed, or is not there in time. */
  async #addressOf({ node, cid }: SentMessage): Promise<Address | undefined> {
    for (let round = 0; round < patienceRounds; round += 1) {
      await this.#needs.reach(node, heightOf(node) + 1);
      const mined = node.running?.sender.find(cid)?.mined;
      if (mined === undefined) continue;
      return mined.receipt.exitCode === 0 ? decode(c.address, mined.receipt.returns) : undefined;
    }
    return undefined;
  }

  async #propose(
    node: SimNode,
    { fund, amount }: { readonly fund: Address; readonly amount: bigint },
    random: SeededRandom,
  ): Promise<void> {
    const { account } = random.pick(this.#needs.world.nodes).identity;
    const payment = { to: account, value: attoFil(amount), method: "", params: new Uint8Array(0) };
    await this.#call(node, fund, {
      method: "propose",
      params: encode(methods.multisig.propose.params, payment),
    });
  }

  async #answer(node: SimNode, fund: Address, method: "approve" | "cancel"): Promise<void> {
    const { running } = node;
    if (running === undefined) return;
    const { chain } = running;
    const { state, tipset } = chain.headState();
    const [open] = readMultisig(chain.store, state, fund, tipset.height + 1).transactions;
    if (open === undefined) return;
    const { transactionId, hash } = open;
    const params = encode(methods.multisig[method].params, { transactionId, hash });
    await this.#call(node, fund, { method, params });
  }
}
