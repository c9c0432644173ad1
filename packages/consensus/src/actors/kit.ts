/**
 * What all actors share: a method table that keeps its types for callers, calls between actors that
 * either succeed or end the caller with the callee's exit code, and paying and burning money. Invariant:
 * an actor never goes on after a payment that failed.
 */
import type { Address, AttoFil, Codec } from "@holdfast/base";
import { c, encode, zeroAtto } from "@holdfast/base";
import { decodeReturns, defineActor, defineMethod } from "../vm/actor-code.ts";
import type { ActorCode, ActorContext, ActorMethod } from "../vm/context.ts";

/** The parameters or the result of a method that has none: an empty list. */
export type None = { readonly [field: string]: never };
export const none: None = {};
export const noneCodec: Codec<None> = { name: "None", toCbor: () => [], fromCbor: emptyList };

function emptyList(value: Parameters<Codec<None>["fromCbor"]>[0], path: string): None {
  c.list(c.cbor, 0).fromCbor(value, path);
  return none;
}

/** Keeps the types of one method's parameters and result. */
export function method<P, R>(spec: ActorMethod<P, R>): ActorMethod<P, R> {
  return spec;
}

/** A method that only reads and takes nothing. */
export function getter<R>(returns: Codec<R>, run: (ctx: ActorContext) => R): ActorMethod<None, R> {
  return { params: noneCodec, returns, run };
}

/** The code of an actor from a typed table of methods. */
export function actorOf(
  name: string,
  methods: { readonly [name: string]: ActorMethod<unknown, unknown> },
  constructorMethod?: ActorMethod<unknown, unknown>,
): ActorCode {
  const erased = Object.entries(methods).map(([key, spec]) => [key, defineMethod(spec)] as const);
  return defineActor({
    name,
    methods: Object.fromEntries(erased),
    ...(constructorMethod === undefined ? {} : { constructorMethod: defineMethod(constructorMethod) }),
  });
}

/** How one actor calls another: the name of the method and its codecs, without its code. */
export interface CallSpec<P, R> {
  readonly method: string;
  readonly params: Codec<P>;
  readonly returns: Codec<R>;
}

/** Calls another actor without money; a failure ends this call with the callee's exit code. */
export function callActor<P, R>(ctx: ActorContext, to: Address, spec: CallSpec<P, R>, params: P): R {
  const result = ctx.send(to, spec.method, zeroAtto, encode(spec.params, params));
  if (result.exitCode !== 0) ctx.fail(result.exitCode, `${spec.method} failed`);
  return decodeReturns(spec.returns, result.returns);
}

/** Sends money of this actor; nothing happens for 0. A failure ends this call. */
export function pay(ctx: ActorContext, to: Address, amount: AttoFil): void {
  if (amount === 0n) return;
  const result = ctx.send(to, "", amount, new Uint8Array(0));
  if (result.exitCode !== 0) ctx.fail(result.exitCode, `the payment to ${to} failed`);
}

/** Sends money of this actor where nobody can spend it. */
export function burn(ctx: ActorContext, amount: AttoFil): void {
  pay(ctx, ctx.builtins.burnt, amount);
}
