/**
 * Declares an actor's code: a table of methods by name, each with its codecs. The table is the only
 * dispatch there is; nothing is looked up on objects, so no inherited name can be called.
 */
import type { CID, Codec } from "@holdfast/base";
import { decode, encode, rawCid, utf8Bytes } from "@holdfast/base";
import type { ActorCode, ActorContext, ActorMethod, AnyMethod } from "./context.ts";

/** Hides the types of a method behind its codecs. */
export function defineMethod<P, R>(method: ActorMethod<P, R>): AnyMethod {
  return {
    params: method.params as Codec<unknown>,
    returns: method.returns as Codec<unknown>,
    access: method.access ?? "anyone",
    payable: method.payable ?? false,
    invoke(ctx: ActorContext, params: Uint8Array): Uint8Array {
      const decoded = ctx.decodeParams(method.params, params);
      return encode(method.returns, method.run(ctx, decoded));
    },
  };
}

/** CID of an actor's code: raw, sha2-256 of its name (go-filecoin 2019). */
export function codeCid(name: string): CID {
  return rawCid(utf8Bytes(name));
}

/** The code of an actor from its methods; `defineMethod` makes the entries. */
export function defineActor(spec: {
  readonly name: string;
  readonly methods: { readonly [name: string]: AnyMethod };
  readonly constructorMethod?: AnyMethod;
}): ActorCode {
  return {
    name: spec.name,
    cid: codeCid(spec.name),
    methods: new Map(Object.entries(spec.methods)),
    constructorMethod: spec.constructorMethod,
  };
}

/** Strictly decodes what a method returned. */
export function decodeReturns<R>(codec: Codec<R>, returns: Uint8Array): R {
  return decode(codec, returns);
}
