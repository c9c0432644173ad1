/**
 * A small chain for tests of actors: every message goes into a block of its own and through the real
 * state transition. Proofs are accepted by a marker, randomness is a hash, the money is added up after
 * every block.
 */
import type { Address, AttoFil, CID, Codec, Epoch, GasUnits } from "@holdfast/base";
import {
  accountAddress,
  addressBytes,
  attoFil,
  bigEndian,
  blake2b256,
  blsKeyFromSeed,
  blsPublicKey,
  concatBytes,
  decode,
  encode,
  epoch,
  equalBytes,
  filToAtto,
  gasUnits,
  MemoryBlockstore,
  nonce,
  publicKeyOf,
  utf8Bytes,
  zeroAtto,
} from "@holdfast/base";
import type { ActorMethod, Env, MoneyReport, NetworkParams, Protocols } from "@holdfast/consensus";
import {
  applyBlock,
  builtinAddresses,
  type CodeTable,
  callReadOnly,
  createGenesis,
  devnetParams,
  type GenesisMiner,
  type GenesisVerifier,
  genesisMinerAddress,
  methods,
  moneyInvariant,
  readActor,
  vanillaClasses,
} from "@holdfast/consensus";
import type { PostStatement, SealStatement, Verifier } from "@holdfast/proofs/verify";

export interface Account {
  readonly address: Address;
  readonly privateKey: Uint8Array;
}

/** A key pair that depends on the name only. */
export function account(name: string): Account {
  const privateKey = blake2b256(utf8Bytes(`account ${name}`));
  return { address: accountAddress(1, publicKeyOf(privateKey)), privateKey };
}

/** What signatures of these tests are bound to. */
export const testNetworkId: Uint8Array = blake2b256(utf8Bytes("actors-test"));
export const goodProof = utf8Bytes("good");
export const badProof = utf8Bytes("bad");

/** Accepts `goodProof` and remembers what it was asked. */
export class MarkerVerifier implements Verifier {
  readonly seals: SealStatement[] = [];
  readonly posts: PostStatement[] = [];
  readonly inclusions: Parameters<Verifier["verifyPieceInclusion"]>[0][] = [];

  verifySeal(statement: SealStatement): boolean {
    this.seals.push(statement);
    return equalBytes(statement.proof, goodProof);
  }
  verifyPost(statement: PostStatement): boolean {
    this.posts.push(statement);
    return equalBytes(statement.proof, goodProof);
  }
  verifyPieceInclusion(statement: Parameters<Verifier["verifyPieceInclusion"]>[0]): boolean {
    this.inclusions.push(statement);
    return equalBytes(statement.proof, goodProof);
  }
}

/** The randomness of the test chain. */
export function testRandomness(at: Epoch, tag: string, entropy: Uint8Array): Uint8Array {
  return blake2b256(concatBytes(bigEndian(at, 8), utf8Bytes(tag), Uint8Array.of(0), entropy));
}

export const owner = account("owner");
export const worker = account("worker");
export const alice = account("alice");
export const bob = account("bob");
export const carol = account("carol");
const people = [owner, worker, alice, bob, carol];
export const openingBalance = filToAtto(1_000n);
export const workerKey = blsPublicKey(blsKeyFromSeed(utf8Bytes("the worker's key of the tests, 32+ bytes")));
export const pledge = filToAtto(1n);

export const testParams: NetworkParams = devnetParams({
  name: "actors-test",
  roundMs: 100,
  sectorClasses: vanillaClasses([1024, 2048]),
  provingPeriodEpochs: 20,
  deadlinesPerPeriod: 2,
  proofWindowEpochs: 8,
  declarationCutoffEpochs: 1,
  partitionSectors: 4,
  sealChallengeDelayEpochs: 2,
  ticketLookbackEpochs: 40,
  preCommitExpiryEpochs: 12,
  finalityEpochs: 30,
  minSectorLifetimeEpochs: 10,
  maxSectorLifetimeEpochs: 500,
  minPledgePerSector: pledge,
  blockReward: filToAtto(2n),
  channelCancelDelayEpochs: 5,
  maxMessageBytes: 524_288,
});

type Methods = typeof methods;
type ParamsOf<M> = M extends ActorMethod<infer P, infer _> ? P : never;
type ReturnsOf<M> = M extends ActorMethod<infer _, infer R> ? R : never;
/** "miner.commitSector" and so on. */
export type MethodPath = {
  [A in keyof Methods & string]: `${A}.${keyof Methods[A] & string}`;
}[keyof Methods & string];
type MethodAt<Path extends MethodPath> = Path extends `${infer A extends keyof Methods & string}.${infer M}`
  ? M extends keyof Methods[A]
    ? Methods[A][M]
    : never
  : never;

export interface Outcome<R> {
  readonly exitCode: number;
  /** Undefined unless the exit code is 0. */
  readonly returns: R | undefined;
  readonly text: string;
  readonly gasUsed: number;
}

/** The codecs of a method by its path. */
export function codecsOf<Path extends MethodPath>(
  path: Path,
): { params: Codec<ParamsOf<MethodAt<Path>>>; returns: Codec<ReturnsOf<MethodAt<Path>>>; name: string } {
  const [actor = "", name = ""] = path.split(".");
  const table = methods as unknown as { [actor: string]: { [name: string]: ActorMethod<unknown, unknown> } };
  const method = table[actor]?.[name];
  if (method === undefined) throw new RangeError(`no method ${path}`);
  return { params: method.params as never, returns: method.returns as never, name };
}

export interface WorldOptions {
  readonly params?: Partial<NetworkParams>;
  readonly codes?: CodeTable;
  readonly protocols?: Protocols;
  readonly genesisMiner?: Partial<GenesisMiner>;
  readonly idleVerifiers?: readonly GenesisVerifier[];
  /** Of the first block. */
  readonly timestampMs?: number;
}

export class World {
  readonly store = new MemoryBlockstore();
  readonly params: NetworkParams;
  readonly verifier = new MarkerVerifier();
  readonly env: Env;
  readonly builtins = builtinAddresses(1);
  /** The miner of every block; it exists from genesis. */
  readonly blockMiner = genesisMinerAddress(1, 0);
  readonly genesisTotal: AttoFil;
  readonly genesisState: CID;
  state: CID;
  height: Epoch = epoch(0);

  constructor(options: WorldOptions = {}) {
    this.params = { ...testParams, ...options.params };
    const { state, total } = createGenesis(
      {
        params: this.params,
        accounts: people.map(({ address }) => ({ address, balance: openingBalance })),
        miners: [
          {
            owner: carol.address,
            worker: carol.address,
            workerKey,
            peerId: "genesis-peer",
            sectors: [],
            balance: zeroAtto,
            ...options.genesisMiner,
          },
        ],
        ...(options.idleVerifiers === undefined ? {} : { idleVerifiers: options.idleVerifiers }),
        timestampMs: options.timestampMs ?? 0,
      },
      this.store,
    );
    this.state = state;
    this.genesisState = state;
    this.genesisTotal = total;
    this.env = {
      params: this.params,
      networkId: testNetworkId,
      verifier: this.verifier,
      randomness: testRandomness,
      // Signatures of messages are another room's business; these tests would spend most time on them.
      verifiedMessages: { has: () => true, add: () => undefined },
      ...(options.codes === undefined ? {} : { codes: options.codes }),
      protocols: options.protocols,
    };
  }

  balance(address: Address): AttoFil {
    return readActor(this.store, this.state, address)?.balance ?? zeroAtto;
  }

  /** Sum of all money by kind; fails if any was made or lost, or if a lock is not explained. */
  money(): MoneyReport {
    return moneyInvariant(this.store, this.state, this.genesisTotal);
  }

  /** Makes empty blocks up to a height, each epoch one. */
  mineTo(height: number): void {
    while (this.height < height) this.#block(this.height + 1, undefined);
  }

  /** Makes one empty block at a height, with null rounds before it. */
  skipTo(height: number): void {
    this.#block(height, undefined);
  }

  /** Sends a message in a block at the next height. */
  send<Path extends MethodPath>(
    from: Account | Address,
    to: Address,
    path: Path,
    params: ParamsOf<MethodAt<Path>>,
    options: { readonly value?: AttoFil; readonly gasLimit?: number } = {},
  ): Outcome<ReturnsOf<MethodAt<Path>>> {
    const { params: codec, returns, name } = codecsOf(path);
    const outcome = this.sendRaw(from, to, name, encode(codec, params), options);
    const result = outcome.exitCode === 0 ? decode(returns, outcome.returns) : undefined;
    return { ...outcome, returns: result };
  }

  sendRaw(
    from: Account | Address,
    to: Address,
    method: string,
    params: Uint8Array,
    options: { readonly value?: AttoFil; readonly gasLimit?: number } = {},
  ): { exitCode: number; returns: Uint8Array; text: string; gasUsed: number } {
    const sender = typeof from === "string" ? from : from.address;
    const message = {
      to,
      from: sender,
      nonce: readActor(this.store, this.state, sender)?.nonce ?? nonce(0),
      value: options.value ?? zeroAtto,
      method,
      params,
      gasPrice: zeroAtto,
      gasLimit: gasUnits(options.gasLimit ?? this.params.blockGasLimit),
    };
    const result = this.#block(this.height + 1, message);
    if (result === undefined) throw new RangeError("a block with a message has a receipt");
    return result;
  }

  /** Plain transfer. */
  transfer(from: Account, to: Address, value: AttoFil): void {
    this.sendRaw(from, to, "", new Uint8Array(0), { value });
  }

  /** Asks an actor on the current state, as if in the next block. */
  ask<Path extends MethodPath>(
    to: Address,
    path: Path,
    params: ParamsOf<MethodAt<Path>>,
    from?: Address,
  ): Outcome<ReturnsOf<MethodAt<Path>>> {
    const { params: codec, returns, name } = codecsOf(path);
    const {
      exitCode,
      returns: bytes,
      text,
      gasUsed,
    } = callReadOnly({
      store: this.store,
      state: this.state,
      env: this.env,
      height: epoch(this.height + 1),
      to,
      method: name,
      params: encode(codec, params),
      ...(from === undefined ? {} : { from }),
    });
    return { exitCode, returns: exitCode === 0 ? decode(returns, bytes) : undefined, text, gasUsed };
  }

  #block(
    height: number,
    message: Parameters<typeof applyBlock>[0]["messages"][number]["message"] | undefined,
  ): { exitCode: number; returns: Uint8Array; text: string; gasUsed: GasUnits } | undefined {
    const at = epoch(height);
    const result = applyBlock({
      store: this.store,
      parentState: this.state,
      block: { miner: this.blockMiner, height: at },
      messages: message === undefined ? [] : [{ message, signature: new Uint8Array(65) }],
      env: this.env,
    });
    this.state = result.stateRoot;
    this.height = at;
    const [receipt] = result.receipts;
    return receipt === undefined ? undefined : { ...receipt, text: result.texts[0] ?? "" };
  }
}

/** 32 bytes that depend on a word. */
export function hash32(word: string): Uint8Array {
  return blake2b256(utf8Bytes(word));
}

/** Creates a miner of `owner` with `worker` and some free balance; gives its address. */
export function createMiner(world: World, value: AttoFil = filToAtto(10n)): Address {
  const created = world.send(
    owner,
    world.builtins.market,
    "market.createMiner",
    { worker: worker.address, workerKey, peerId: "peer-of-the-tests" },
    { value },
  );
  if (created.returns === undefined) throw new RangeError(`no miner: ${created.text}`);
  return created.returns;
}

/** Sum without brands. */
export function sum(...amounts: readonly bigint[]): AttoFil {
  return attoFil(amounts.reduce((total, amount) => total + amount, 0n));
}

export { addressBytes };
