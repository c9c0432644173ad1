/**
 * The state transition in memory: transfers of many accounts in full blocks, with every check of a validator
 * but the header's proofs. Signatures are verified by this thread, by worker threads before (as a node does with a
 * block of others), or were verified on arrival (as the pool does). The limit is verifying them and nothing else.
 * Messages of this chain are signed with secp256k1; what one BLS aggregate of a block would cost stands beside it.
 */
import {
  aggregateSignatures,
  aggregateVerify,
  type PublicKey,
  SecretKey,
  type Signature,
} from "@chainsafe/blst";
import {
  type Address,
  accountAddress,
  assert,
  attoFil,
  BufferedBlockstore,
  blake2b256,
  blsKeyFromSeed,
  blsPublicKey,
  epoch,
  filToAtto,
  gasUnits,
  MemoryBlockstore,
  nonce,
  publicKeyOf,
  sectorId,
  utf8Bytes,
} from "@holdfast/base";
import {
  applyTipset,
  createGenesis,
  devnetParams,
  type Env,
  executeForMining,
  type FullBlock,
  genesisMinerAddress,
  isMessageSigned,
  messageCid,
  messageSigningBytes,
  signMessage,
} from "@holdfast/consensus";
import { installNativeKernels } from "@holdfast/node";
import { type Claim, createClaimPool } from "@holdfast/node/testing";
import { createVerifier } from "@holdfast/proofs/verify";
import type { Bench, Figure } from "../figure.ts";
import { callsPerSecond, median } from "../measure.ts";

const accountCount = 200;
const hash = (text: string): Uint8Array => blake2b256(utf8Bytes(text));
const benchNetworkId = hash("bench network");

export interface Account {
  readonly privateKey: Uint8Array;
  readonly address: ReturnType<typeof accountAddress>;
}

export function accountOf(name: string): Account {
  const privateKey = hash(name);
  return { privateKey, address: accountAddress(1, publicKeyOf(privateKey)) };
}

const miner = genesisMinerAddress(1, 0);

/** `others`: actors that stand beside the accounts. */
export function makeChain(accounts: readonly Account[], others: Iterable<Address> = []) {
  const store = new MemoryBlockstore();
  const params = devnetParams({ name: "bench", roundMs: 1000 });
  const worker = accountOf("worker");
  const genesis = createGenesis(
    {
      params,
      accounts: [...accounts.map(({ address }) => address), ...others].map((address) => ({
        address,
        balance: filToAtto(100),
      })),
      miners: [
        {
          owner: worker.address,
          worker: worker.address,
          workerKey: blsPublicKey(blsKeyFromSeed(hash("bls"))),
          peerId: "peer",
          balance: filToAtto(1),
          sectors: [
            {
              sectorId: sectorId(0),
              sectorBytes: 1024,
              commD: hash("d"),
              commR: hash("r"),
              commRStar: hash("*"),
            },
          ],
        },
      ],
      timestampMs: 1_700_000_000_000,
    },
    store,
  );
  const env: Env = {
    params,
    networkId: benchNetworkId,
    verifier: createVerifier(),
    randomness: (at, tag) => hash(`${tag} ${at}`),
  };
  return { store, genesis, env };
}

export type Chain = ReturnType<typeof makeChain>;

/** One transfer of each account, as one block. */
export function fullBlock({ store, genesis, env }: Chain, accounts: readonly Account[]): FullBlock {
  const candidates = accounts.map(({ privateKey, address }, index) =>
    signMessage(privateKey, benchNetworkId, {
      to: accounts[(index + 1) % accounts.length]?.address ?? address,
      from: address,
      nonce: nonce(0),
      value: attoFil(1n),
      method: "",
      params: new Uint8Array(0),
      gasPrice: attoFil(1n),
      gasLimit: gasUnits(100_000),
    }),
  );
  const height = epoch(1);
  const mined = executeForMining({
    store: new BufferedBlockstore(store),
    parentState: genesis.state,
    miner,
    height,
    candidates,
    env,
  });
  const header = {
    miner,
    height,
    parents: [genesis.cid],
    parentWeight: 0n,
    parentState: genesis.state,
    ticket: new Uint8Array(96),
    electionProof: new Uint8Array(96),
    winningPost: new Uint8Array(1),
    stateRoot: mined.stateRoot,
    messages: mined.messagesRoot,
    receipts: mined.receiptsRoot,
    timestampMs: genesis.header.timestampMs + 1000,
    signature: new Uint8Array(65),
  };
  return { header, messages: mined.included };
}

/** What a block of BLS signatures would cost if its messages had one together: the keys are known to be good. */
function aggregateOf(count: number): () => boolean {
  const secrets = Array.from({ length: count }, (_, index) =>
    SecretKey.fromBytes(blsKeyFromSeed(hash(`a ${index}`))),
  );
  const texts = secrets.map((_, index) => hash(`message ${index}`));
  const keys: PublicKey[] = secrets.map((secret) => secret.toPublicKey());
  const signatures: Signature[] = secrets.map((secret, index) => secret.sign(texts[index] ?? hash("")));
  const together = aggregateSignatures(signatures);
  return () => aggregateVerify(texts, keys, together);
}

/** In a second of processor time, whatever threads blst takes. */
function aggregatesPerSecond(count: number): number {
  const verify = aggregateOf(count);
  const rates = Array.from({ length: 9 }, () => {
    const before = process.cpuUsage();
    for (let call = 0; call < 4; call += 1) assert(verify(), "the aggregate holds");
    const { user, system } = process.cpuUsage(before);
    return 4e6 / (user + system);
  });
  return median(rates);
}

export function applyTo(chain: Chain, one: FullBlock, verifiedMessages: Set<string>): void {
  const store = new BufferedBlockstore(chain.store);
  applyTipset({
    store,
    parentState: chain.genesis.state,
    blocks: [one],
    env: { ...chain.env, verifiedMessages },
  });
}

export const verifiedIn = (block: FullBlock): Set<string> =>
  new Set(block.messages.map((signed) => messageCid(signed).toString()));

/** Signatures on the worker threads, then the block on this one; processor time of all of them. */
async function byThreads(chain: Chain, block: FullBlock): Promise<Figure> {
  const claims = block.messages.map(
    ({ message, signature }): Claim => ({
      kind: "account",
      bytes: messageSigningBytes(message, benchNetworkId),
      signature,
      address: message.from,
    }),
  );
  await using pool = createClaimPool();
  const verified = verifiedIn(block);
  await pool.verify(claims);
  const rateOf = (startedMs: number, before: NodeJS.CpuUsage) => {
    const { user, system } = process.cpuUsage(before);
    return {
      cpu: (1e6 * claims.length) / (user + system),
      clock: (1000 * claims.length) / (performance.now() - startedMs),
    };
  };
  const times: { readonly alone: number; readonly all: number; readonly clock: number }[] = [];
  for (let run = 0; run < 11; run += 1) {
    const [startedMs, before] = [performance.now(), process.cpuUsage()];
    await pool.verify(claims);
    const alone = rateOf(startedMs, before).cpu;
    applyTo(chain, block, verified);
    const { cpu: all, clock } = rateOf(startedMs, before);
    times.push({ alone, all, clock });
  }
  const of = (pick: (time: (typeof times)[number]) => number): number => median(times.map(pick));
  return {
    name: "messages, signatures checked by worker threads",
    value: of(({ all }) => all),
    unit: "/s",
    byClock: of(({ clock }) => clock),
    bound: { name: `the signatures alone, ${pool.threadCount} thread(s)`, value: of(({ alone }) => alone) },
  };
}

export const chainBench: Bench = {
  name: "chain",
  about: "blocks and messages through the state transition, in memory",
  async run() {
    await installNativeKernels();
    const accounts = Array.from({ length: accountCount }, (_, index) => accountOf(`account ${index}`));
    const chain = makeChain(accounts);
    const block = fullBlock(chain, accounts);
    const empty = fullBlock(chain, []);
    const verified = verifiedIn(block);
    const count = block.messages.length;
    const aggregate = aggregatesPerSecond(count);
    const rate = await callsPerSecond({
      recovering: () => void block.messages.every((signed) => isMessageSigned(signed, benchNetworkId)),
      checked: () => applyTo(chain, block, new Set()),
      known: () => applyTo(chain, block, verified),
      empty: () => applyTo(chain, empty, new Set()),
    });
    const alone = { name: "the signatures alone, one thread", value: count * rate.recovering };
    const figures: Figure[] = [
      { name: "messages, signatures checked", value: count * rate.checked, unit: "/s", bound: alone },
      await byThreads(chain, block),
      { name: "messages, signatures known", value: count * rate.known, unit: "/s" },
      { name: `blocks of ${count} messages, signatures known`, value: rate.known, unit: "/s" },
      { name: "empty blocks", value: rate.empty, unit: "/s" },
      { name: "signatures of secp256k1 alone", value: count * rate.recovering, unit: "/s" },
      {
        name: `one BLS aggregate of ${count} alone (blst)`,
        value: count * aggregate,
        unit: "/s",
        note: "processor time of all threads; messages of this chain have secp256k1 signatures only",
      },
    ];
    return figures;
  },
};
