/**
 * An actor that does one thing as often as it is told, so that the difference between little and much of it is what the
 * thing costs. It exists in the benchmark's code table only.
 */
import {
  type Address,
  Amt,
  attoFil,
  c,
  type Epoch,
  encode,
  epoch,
  getObject,
  Hamt,
  putObject,
  seedAddress,
  utf8Bytes,
  zeroAtto,
} from "@holdfast/base";
import { type ActorContext, builtinActors, CodeTable, defineActor, defineMethod } from "@holdfast/consensus";

export const trees = c.tuple("BenchTrees", { hamt: c.cid, amt: c.cid, bytes: c.cid, numbers: c.cid });
export const entryCodec = c.bytes(1_024);
export const numbersCodec = c.list(c.uint(), 1_000_000);
export const bytesCodec = c.bytes(1_000_000);
export const entryOf = (index: number): Uint8Array => new Uint8Array(64).fill(index & 0xff);
export const keyOf = (index: number): Uint8Array => utf8Bytes(`entry ${index}`);

/** Entries in the trees of the actor's state. */
export const treeEntries = 10_000;
/** Actors in the state beside the senders. */
export const strangers = 50_000;
export const strangerOf = (index: number): Address => seedAddress(1, `stranger ${index}`);
export const freshOf = (index: number): Address => seedAddress(1, `nobody yet ${index}`);
export const secondActor = seedAddress(1, "second bench actor");

/** Numbers that are all over a range, none of them twice in a row. */
const scattered = (index: number, range: number): number => (index * 7_919 + 13) % range;

const counted = (run: (ctx: ActorContext, count: number) => void) =>
  defineMethod<number, number>({
    params: c.uint(),
    returns: c.uint(),
    payable: true,
    run(ctx, count) {
      run(ctx, count);
      return count;
    },
  });

const times = (count: number, act: (index: number) => void): void => {
  for (let index = 0; index < count; index += 1) act(index);
};

const nothing = new Uint8Array(0);
const one = attoFil(1n);
const noCount = encode(c.uint(), 0);

const methods = {
  call: counted(() => undefined),
  numbersIn: defineMethod({ params: numbersCodec, returns: c.uint(), run: (_ctx, list) => list.length }),
  numbersOut: defineMethod({
    params: c.uint(),
    returns: numbersCodec,
    run: (_ctx, count) => Array.from({ length: count }, () => 7),
  }),
  pay: counted((ctx, count) => times(count, (i) => void ctx.send(strangerOf(i), "", one, nothing))),
  payFresh: counted((ctx, count) => times(count, (i) => void ctx.send(freshOf(i), "", one, nothing))),
  sendNothing: counted((ctx, count) => times(count, () => void ctx.send(secondActor, "", zeroAtto, nothing))),
  callOther: counted((ctx, count) =>
    times(count, () => void ctx.send(secondActor, "call", zeroAtto, noCount)),
  ),
  callMissing: counted((ctx, count) =>
    times(count, (i) => void ctx.send(strangerOf(scattered(i, strangers)), "call", zeroAtto, nothing)),
  ),
  lookUp: counted((ctx, count) => times(count, (i) => void ctx.codeNameOf(strangerOf(i)))),
  create: counted((ctx, count) =>
    times(count, () => ctx.createNewActor(ctx.addressForNewActor(), "benchactor", noCount)),
  ),
  draw: counted((ctx, count) => times(count, (i) => void ctx.rand(drawnAt(ctx.height, i), "bench", nothing))),
  sectors: counted((ctx, count) => {
    ctx.chargeSectors(count);
    const tree = Hamt.load(ctx.store, entryCodec, ctx.readState(trees).hamt);
    // What a list of sectors is walked for: look up, judge, put back.
    times(count, () => tree.set(keyOf(1), tree.get(keyOf(1)) ?? nothing));
  }),
  readSmall: counted((ctx, count) => times(count, () => void ctx.readState(trees))),
  readBytes: counted((ctx, count) => {
    const { bytes } = ctx.readState(trees);
    times(count, () => void ctx.store.get(bytes));
  }),
  readNumbers: counted((ctx, count) => {
    const { numbers } = ctx.readState(trees);
    times(count, () => void getObject(ctx.store, numbersCodec, numbers));
  }),
  writeSmall: counted((ctx, count) => times(count, (i) => void putObject(ctx.store, c.uint(), i))),
  writeLarge: counted((ctx, count) =>
    times(count, (i) => void putObject(ctx.store, bytesCodec, new Uint8Array(16_384).fill(i))),
  ),
  writeNumbers: counted((ctx, count) =>
    times(count, (i) => void putObject(ctx.store, numbersCodec, new Array<number>(4_000).fill(i & 15))),
  ),
  hamtGet: counted((ctx, count) => {
    const tree = Hamt.load(ctx.store, entryCodec, ctx.readState(trees).hamt);
    times(count, (i) => void tree.get(keyOf(scattered(i, treeEntries))));
  }),
  hamtSet: counted((ctx, count) => {
    const tree = Hamt.load(ctx.store, entryCodec, ctx.readState(trees).hamt);
    times(count, (i) => tree.set(keyOf(scattered(i, treeEntries)), entryOf(i + 1)));
    tree.flush();
  }),
  amtGet: counted((ctx, count) => {
    const tree = Amt.load(ctx.store, entryCodec, ctx.readState(trees).amt);
    times(count, (i) => void tree.get(scattered(i, treeEntries)));
  }),
  amtSet: counted((ctx, count) => {
    const tree = Amt.load(ctx.store, entryCodec, ctx.readState(trees).amt);
    times(count, (i) => tree.set(scattered(i, treeEntries), entryOf(i + 1)));
    tree.flush();
  }),
} as const;

export type BenchMethod = keyof typeof methods;

const drawnAt = (height: Epoch, index: number): Epoch =>
  epoch(height - 1 - (index % Math.max(1, height - 1)));

export const benchActor = defineActor({
  name: "benchactor",
  methods,
  constructorMethod: defineMethod({ params: c.uint(), returns: c.uint(), run: (_ctx, none) => none }),
});
export const benchCodes = new CodeTable([...builtinActors, benchActor]);
