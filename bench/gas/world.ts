/**
 * A chain for measuring gas: fifty thousand actors in a LevelDB on disk, which is what a node reads from, a thousand
 * senders with keys, and the benchmark's actor.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Address,
  Amt,
  accountAddress,
  addressBytes,
  attoFil,
  type Blockstore,
  BufferedBlockstore,
  blake2b256,
  blsKeyFromSeed,
  blsPublicKey,
  type CID,
  concatBytes,
  epoch,
  filToAtto,
  gasUnits,
  Hamt,
  nonce,
  publicKeyOf,
  putObject,
  seedAddress,
  utf8Bytes,
} from "@holdfast/base";
import {
  actorRecordCodec,
  applyBlock,
  type BlockResult,
  createGenesis,
  devnetParams,
  type Env,
  genesisMinerAddress,
  type Message,
  messageCid,
  type NetworkParams,
  type SignedMessage,
  signMessage,
} from "@holdfast/consensus";
import { openLevelDatabase } from "@holdfast/node/testing";
import { createVerifier } from "@holdfast/proofs/verify";
import {
  benchActor,
  benchCodes,
  bytesCodec,
  entryCodec,
  entryOf,
  keyOf,
  numbersCodec,
  secondActor,
  strangerOf,
  strangers,
  treeEntries,
  trees,
} from "./actor.ts";

const hash = (text: string): Uint8Array => blake2b256(utf8Bytes(text));
const networkId = hash("gas bench");
const height = epoch(100);
export const benchAddress = seedAddress(1, "bench actor");
export const senderCount = 1_000;

export interface Sender {
  readonly privateKey: Uint8Array;
  readonly address: Address;
}

const senderOf = (index: number): Sender => {
  const privateKey = hash(`gas bench ${index}`);
  return { privateKey, address: accountAddress(1, publicKeyOf(privateKey)) };
};

export interface GasWorld extends AsyncDisposable {
  readonly params: NetworkParams;
  readonly senders: readonly Sender[];
  /** A message of a sender that has sent none yet. */
  sign(sender: Sender, fields: Partial<Message>): SignedMessage;
  /** A block of these messages alone, as every node checks it; their signatures are known if it says so. */
  run(messages: readonly SignedMessage[], options?: { readonly known?: boolean }): BlockResult;
}

/** `params` may lift limits that a measurement is not about. */
export async function createGasWorld(over: Partial<NetworkParams> = {}): Promise<GasWorld> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-gas-"));
  const database = await openLevelDatabase(join(folder, "chain"));
  const params = { ...devnetParams({ name: "gas bench", roundMs: 1_000 }), ...over };
  const senders = Array.from({ length: senderCount }, (_, index) => senderOf(index));
  const state = makeState(database, params, senders);
  await database.commit(new Map());
  const env: Env = {
    params,
    networkId,
    verifier: createVerifier(),
    randomness: (at, tag, entropy) => blake2b256(concatBytes(utf8Bytes(`${tag} ${at} `), entropy)),
    codes: benchCodes,
  };
  return {
    params,
    senders,
    sign: (sender, fields) => signMessage(sender.privateKey, networkId, messageOf(sender, params, fields)),
    run(messages, { known = false } = {}) {
      const cids = known ? messages.map((signed) => messageCid(signed).toString()) : [];
      const store = new BufferedBlockstore(database);
      const block = { miner: genesisMinerAddress(1, 0), height };
      const verifiedMessages = new Set(cids);
      return applyBlock({ store, parentState: state, block, messages, env: { ...env, verifiedMessages } });
    },
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function messageOf(sender: Sender, params: NetworkParams, fields: Partial<Message>): Message {
  return {
    to: strangerOf(0),
    from: sender.address,
    nonce: nonce(0),
    value: attoFil(0n),
    method: "",
    params: new Uint8Array(0),
    gasPrice: attoFil(1n),
    gasLimit: gasUnits(params.blockGasLimit),
    ...fields,
  };
}

function makeState(store: Blockstore, params: NetworkParams, senders: readonly Sender[]): CID {
  const [first] = senders;
  const founder = first?.address ?? benchAddress;
  const { state } = createGenesis(
    {
      params,
      accounts: senders.map(({ address }) => ({ address, balance: filToAtto(100) })),
      miners: [
        {
          owner: founder,
          worker: founder,
          workerKey: blsPublicKey(blsKeyFromSeed(hash("gas bench bls"))),
          peerId: "peer",
          balance: filToAtto(1),
          sectors: [],
        },
      ],
      timestampMs: 1_700_000_000_000,
    },
    store,
  );
  const actors = Hamt.load(store, actorRecordCodec, state);
  const sample = actors.get(addressBytes(founder));
  if (sample === undefined) throw new RangeError("a sender has a record");
  for (let i = 0; i < strangers; i += 1) actors.set(addressBytes(strangerOf(i)), sample);
  const record = { ...sample, code: benchActor.cid, head: benchState(store) };
  for (const address of [benchAddress, secondActor]) actors.set(addressBytes(address), record);
  return actors.flush();
}

function benchState(store: Blockstore): CID {
  const hamt = Hamt.empty(store, entryCodec);
  const amt = Amt.empty(store, entryCodec);
  for (let i = 0; i < treeEntries; i += 1) {
    hamt.set(keyOf(i), entryOf(i));
    amt.push(entryOf(i));
  }
  return putObject(store, trees, {
    hamt: hamt.flush(),
    amt: amt.flush(),
    bytes: putObject(store, bytesCodec, new Uint8Array(100_000)),
    numbers: putObject(store, numbersCodec, new Array<number>(30_000).fill(7)),
  });
}
