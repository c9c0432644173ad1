/**
 * The buyer's question. Accuracy is one number over all orders of a node, so many small ones of its own could hide a
 * large one that it has lost: a buyer therefore makes a node show a walk of that very order, which the chain draws
 * afterwards. An answer proves what the node has now, and pays it at once; silence costs the pay of the slots that no
 * running order is credited for yet, whether or not anybody has settled the older ones, and the place in the order.
 * Never the stake: whoever asks could seek walks that an honest node cannot show.
 */
import type { AttoFil, Codec, Epoch } from "@holdfast/base";
import { addEpochs, c } from "@holdfast/base";
import { askEntropy, pinAskTag } from "../../types/pin-walk.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { None } from "../kit.ts";
import { none, pay } from "../kit.ts";
import { type AskedReplica, PinBook } from "./book.ts";
import { blocksCodec, walked } from "./disputes.ts";
import { drawNodes, openOrder } from "./orders.ts";

/** One node's part in an order. */
export interface OnePart {
  readonly pin: number;
  readonly node: number;
}
const part = { pin: c.uint(), node: c.uint() };
export const onePartCodec: Codec<OnePart> = c.tuple("OnePart", part);

export interface AnswerAsk extends OnePart {
  /** From the order's root to the block at which the walk ends. */
  readonly blocks: readonly Uint8Array[];
}
export const answerAskCodec: Codec<AnswerAsk> = c.tuple("AnswerAsk", { ...part, blocks: blocksCodec });

/**
 * For the buyer: asks a node that has confirmed the order; the value is the deposit, which the node gets if it answers.
 * The order is credited first, as far as it is while it runs. Returns the last epoch at which the node can answer,
 * unless the chain stands still. `depositTooSmall`, `pinNotFound`, `pinEnded`, `notBuyer`, `pinNotHeld`,
 * `pinNodeInactive`, `pinAskStanding`.
 */
export function askOrder(ctx: ActorContext, { pin, node }: OnePart): Epoch {
  const { from, value: deposit } = ctx.message;
  const least = ctx.params.pinChallengeDeposit;
  if (deposit < least) ctx.fail(vmExitCodes.depositTooSmall, `at least ${least} attoFIL`);
  const book = new PinBook(ctx);
  const { buyer, replicas } = openOrder(ctx, book, pin);
  if (buyer !== from) ctx.fail(vmExitCodes.notBuyer, `the buyer is ${buyer}`);
  const replica = replicas.find((one) => one.node === node);
  if (replica === undefined || replica.fromSlot === null || replica.fromSlot > book.slot) {
    return ctx.fail(vmExitCodes.pinNotHeld, `node ${node} has not confirmed order ${pin}, or just now`);
  }
  if (replica.ask !== null) ctx.fail(vmExitCodes.pinAskStanding, `node ${node} is being asked`);
  notExpelled(ctx, book, node);
  // Nobody settles by himself: what is older than the hold is the nodes' already, and no silence takes it.
  book.settle(pin, book.creditedSlot);
  book.ask(pin, replica, { askedAt: ctx.height, deposit });
  book.write();
  return addEpochs(ctx.height, ctx.params.pinAnswerEpochs);
}

/** `pinNodeInactive`. */
function notExpelled(ctx: ActorContext, book: PinBook, node: number): void {
  if (book.node(node).status === "expelled")
    ctx.fail(vmExitCodes.pinNodeInactive, `node ${node} is expelled`);
}

/** The open ask of a node about an order. `pinNotFound`, `pinAskNotFound`. */
function asked(ctx: ActorContext, book: PinBook, { pin, node }: OnePart): AskedReplica {
  const replica = book.asked(pin).find((one) => one.node === node);
  return (
    replica ?? ctx.fail(vmExitCodes.pinAskNotFound, `nothing is asked of node ${node} about order ${pin}`)
  );
}

/**
 * Shows the blocks; whoever sends them, the deposit goes to the node's operator, and the node is paid for all slots
 * before this one. One that was expelled has nothing to gain here: the deposit is the buyer's. As `asked`,
 * `pinNodeInactive`, `challengeOver`, `pinAskNotDrawn`, `pinProofInvalid`.
 */
export function answerAsk(ctx: ActorContext, { blocks, ...which }: AnswerAsk): None {
  const book = new PinBook(ctx);
  const { pin, node } = which;
  const replica = asked(ctx, book, which);
  notExpelled(ctx, book, node);
  const answerBy = book.answerBy(replica);
  if (ctx.height > answerBy) ctx.fail(vmExitCodes.challengeOver, `it was to be answered by ${answerBy}`);
  const drawnAt = addEpochs(book.askStart(replica), 1);
  if (drawnAt >= ctx.height) ctx.fail(vmExitCodes.pinAskNotDrawn, `it is drawn at ${drawnAt}`);
  const seed = ctx.rand(drawnAt, pinAskTag, askEntropy(pin, node));
  walked(ctx, { seed, root: book.order(pin).cid }, blocks);
  const deposit = book.answered(pin, replica);
  const { operator } = book.node(node);
  book.write();
  pay(ctx, operator, deposit);
  return none;
}

/**
 * Ends an ask that was not answered, also of a node that was expelled meanwhile: it leaves the order, what it was not
 * credited when it was asked stays with the buyer, the deposit goes back, and another is drawn. Returns how many were
 * found. As `asked`, `challengeOpen`.
 */
export function closeAsk(ctx: ActorContext, which: OnePart): number {
  const book = new PinBook(ctx);
  const replica = asked(ctx, book, which);
  if (!book.isForfeit(replica)) {
    ctx.fail(vmExitCodes.challengeOpen, `it can be answered until ${book.answerBy(replica)}`);
  }
  const deposit: AttoFil = book.drop(which.pin, replica);
  const { buyer, endSlot } = book.order(which.pin);
  const found = book.slot < endSlot ? drawNodes(ctx, book, which.pin) : 0;
  book.write();
  pay(ctx, buyer, deposit);
  return found;
}
