/**
 * The state transition in memory: transfers of many accounts in full blocks, with every check of a validator
 * but the header's proofs. With signatures each is recovered; without, they were verified on arrival (as the
 * pool does). The peer of the first is recovering the signatures and nothing else.
 */
import {
  accountAddress,
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
  signMessage,
} from "@holdfast/consensus";
import { installNativeKernels } from "@holdfast/node";
import { createVerifier } from "@holdfast/proofs/verify";
import type { Bench, Figure } from "../figure.ts";
import { callsPerSecond } from "../measure.ts";

const accountCount = 200;
const hash = (text: string): Uint8Array => blake2b256(utf8Bytes(text));
const benchNetworkId = hash("bench network");

interface Account {
  readonly privateKey: Uint8Array;
  readonly address: ReturnType<typeof accountAddress>;
}

function accountOf(name: string): Account {
  const privateKey = hash(name);
  return { privateKey, address: accountAddress(1, publicKeyOf(privateKey)) };
}

const miner = genesisMinerAddress(1, 0);

function makeChain(accounts: readonly Account[]) {
  const store = new MemoryBlockstore();
  const params = devnetParams({ name: "bench", roundMs: 1000 });
  const worker = accountOf("worker");
  const genesis = createGenesis(
    {
      params,
      accounts: accounts.map(({ address }) => ({ address, balance: filToAtto(100) })),
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

type Chain = ReturnType<typeof makeChain>;

/** One transfer of each account, as one block. */
function fullBlock({ store, genesis, env }: Chain, accounts: readonly Account[]): FullBlock {
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

export const chainBench: Bench = {
  name: "chain",
  about: "blocks and messages through the state transition, in memory",
  async run() {
    await installNativeKernels();
    const accounts = Array.from({ length: accountCount }, (_, index) => accountOf(`account ${index}`));
    const chain = makeChain(accounts);
    const block = fullBlock(chain, accounts);
    const empty = fullBlock(chain, []);
    const apply = (one: FullBlock, verifiedMessages: Set<string>): void => {
      const store = new BufferedBlockstore(chain.store);
      applyTipset({
        store,
        parentState: chain.genesis.state,
        blocks: [one],
        env: { ...chain.env, verifiedMessages },
      });
    };
    const verified = new Set(block.messages.map((signed) => messageCid(signed).toString()));
    const count = block.messages.length;
    const rate = await callsPerSecond({
      recovering: () => void block.messages.every((signed) => isMessageSigned(signed, benchNetworkId)),
      checked: () => apply(block, new Set()),
      known: () => apply(block, verified),
      empty: () => apply(empty, new Set()),
    });
    const figures: Figure[] = [
      {
        name: "messages, signatures checked",
        value: count * rate.checked,
        unit: "/s",
        bound: { name: "recovering the signatures alone", value: count * rate.recovering },
      },
      { name: "messages, signatures known", value: count * rate.known, unit: "/s" },
      { name: `blocks of ${count} messages, signatures known`, value: rate.known, unit: "/s" },
      { name: "empty blocks", value: rate.empty, unit: "/s" },
    ];
    return figures;
  },
};
