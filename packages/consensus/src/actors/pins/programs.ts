/**
 * The list of programs that pinning nodes may run, kept by the network's authority: an account, or a multisig. A new
 * version is listed beside the old one, which ends by itself. The original's contract of `mr_enclave` was never
 * published; that a code has an end and anybody may clear it then is Crust's.
 */
import type { PinProgram } from "../../types/pin.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { ProgramRef } from "../attested.ts";
import type { None } from "../kit.ts";
import { none } from "../kit.ts";
import { PinBook } from "./book.ts";
import { programName } from "./state.ts";

/**
 * Lists a program, or moves its end; an end that is now or past revokes it. What is asked of its platforms holds for
 * evidence from now on: a node that was admitted keeps its time. `notAuthorized`, `programInvalid` for evidence by
 * software where the network takes none.
 */
export function setProgram(ctx: ActorContext, entry: PinProgram): None {
  if (ctx.message.from !== ctx.params.upgradeAuthority) {
    ctx.fail(vmExitCodes.notAuthorized, "only the network's upgrade authority keeps the list of programs");
  }
  if (entry.kind === "software" && !ctx.params.softwareAttestation) {
    ctx.fail(vmExitCodes.programInvalid, "this network takes no evidence by software");
  }
  const book = new PinBook(ctx);
  book.programs.set(programName(entry), entry);
  book.write();
  return none;
}

/** The line of the list. `programNotAllowed`. */
export function listedProgram(ctx: ActorContext, book: PinBook, ref: ProgramRef): PinProgram {
  const entry = book.programs.get(programName(ref));
  return entry ?? ctx.fail(vmExitCodes.programNotAllowed, "the program is not on the list");
}

/** Removes a program whose time is over; anybody may. `programNotAllowed`, `programNotOver`. */
export function clearProgram(ctx: ActorContext, ref: ProgramRef): None {
  const book = new PinBook(ctx);
  const { expires } = listedProgram(ctx, book, ref);
  if (ctx.height < expires) ctx.fail(vmExitCodes.programNotOver, `it may run until ${expires}`);
  book.programs.delete(programName(ref));
  book.write();
  return none;
}
