/**
 * Codecs made of codecs. A struct is a tuple: an array of its fields in declared order, without names.
 */

import { type Codec, outOfRange, wrongType } from "./codec.ts";
import { codecErrors } from "./errors.ts";
import type { CborValue } from "./value.ts";

type Fields = { readonly [field: string]: Codec<unknown> };
type Struct<F extends Fields> = { readonly [K in keyof F]: F[K] extends Codec<infer T> ? T : never };

/** A struct as an array of its fields in the order of `fields`. */
export function tuple<const F extends Fields>(name: string, fields: F): Codec<Struct<F>> {
  const entries = Object.entries<Codec<unknown>>(fields);
  return {
    name,
    toCbor(value) {
      const given = value as { readonly [field: string]: unknown };
      return entries.map(([field, codec]) => codec.toCbor(given[field]));
    },
    fromCbor(value, path) {
      if (!isList(value)) throw wrongType(path, `${name}, a list of ${entries.length}`, value);
      if (value.length !== entries.length) throw outOfRange(path, `a list of ${entries.length}`, value);
      const struct: { [field: string]: unknown } = {};
      let index = 0;
      for (const [field, codec] of entries) {
        struct[field] = codec.fromCbor(value[index] as CborValue, `${path}.${field}`);
        index++;
      }
      return struct as Struct<F>;
    },
  };
}

type Cases = { readonly [kind: string]: Codec<object> };
type Variant<C extends Cases> = {
  readonly [K in keyof C]: { readonly kind: K } & (C[K] extends Codec<infer T> ? T : never);
}[keyof C];

/** One of several structs: `{ kind, …fields }` in the program, `[kind, fields]` in CBOR. */
export function variant<const C extends Cases>(name: string, cases: C): Codec<Variant<C>> {
  const codecs = new Map(Object.entries<Codec<object>>(cases));
  const kinds = [...codecs.keys()].join(", ");
  return {
    name,
    toCbor(value) {
      const { kind } = value as { readonly kind: string };
      const codec = codecs.get(kind);
      if (codec === undefined) throw outOfRange(name, `one of ${kinds}`, kind);
      return [kind, codec.toCbor(value as object)];
    },
    fromCbor(value, path) {
      if (!isList(value) || value.length !== 2) throw wrongType(path, `${name}, a list of 2`, value);
      const [kind, fields] = value as readonly [CborValue, CborValue];
      const codec = typeof kind === "string" ? codecs.get(kind) : undefined;
      if (codec === undefined) throw outOfRange(path, `one of ${kinds}`, kind);
      return { kind, ...codec.fromCbor(fields, `${path}(${kind})`) } as Variant<C>;
    },
  };
}

/** The value or null. The inner codec must not itself write null. */
export function nullable<T>(inner: Codec<T>): Codec<T | null> {
  return {
    name: inner.name,
    toCbor: (value) => (value === null ? null : inner.toCbor(value)),
    fromCbor: (value, path) => (value === null ? null : inner.fromCbor(value, path)),
  };
}

/** At most `maxItems` values; `codec/too-many-items`. */
export function list<T>(item: Codec<T>, maxItems: number): Codec<readonly T[]> {
  const name = `${item.name}[]`;
  const check = (length: number, path: string): void => {
    if (length > maxItems) throw codecErrors.tooManyItems({ maxItems, path });
  };
  return {
    name,
    toCbor(value) {
      check(value.length, name);
      return value.map((member) => item.toCbor(member));
    },
    fromCbor(value, path) {
      if (!isList(value)) throw wrongType(path, "a list", value);
      check(value.length, path);
      return value.map((member, index) => item.fromCbor(member, `${path}[${index}]`));
    },
  };
}

/** A map from text to at most `maxItems` values; `codec/too-many-items`. */
export function map<T>(item: Codec<T>, maxItems: number): Codec<ReadonlyMap<string, T>> {
  const name = `map of ${item.name}`;
  return {
    name,
    toCbor(value) {
      if (value.size > maxItems) throw codecErrors.tooManyItems({ maxItems, path: name });
      return Object.fromEntries([...value].map(([key, member]) => [key, item.toCbor(member)]));
    },
    fromCbor(value, path) {
      if (!isMap(value)) throw wrongType(path, "a map", value);
      const entries = Object.entries(value);
      if (entries.length > maxItems) throw codecErrors.tooManyItems({ maxItems, path });
      return new Map(entries.map(([key, member]) => [key, item.fromCbor(member, `${path}.${key}`)]));
    },
  };
}

function isList(value: CborValue): value is readonly CborValue[] {
  return Array.isArray(value);
}

function isMap(value: CborValue): value is { readonly [key: string]: CborValue } {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
