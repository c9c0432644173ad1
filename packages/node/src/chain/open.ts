/** Opening the chain of a database, or beginning one with a genesis. */
import { type CID, encode, type Logger, utf8Bytes, utf8Text } from "@holdfast/base";
import {
  blockCid,
  blockHeaderCodec,
  createTipset,
  type FullBlock,
  moneyInvariant,
  type Protocols,
} from "@holdfast/consensus";
import type { Checkpoint } from "./checkpoint.ts";
import { chainErrors } from "./errors.ts";
import type { ChainDatabase } from "./needs.ts";
import { placeFacts } from "./place.ts";
import { bodyCodec, metaKeys, resultsCodec, type TipsetRecord, tipsetRecordCodec } from "./record.ts";
import { StoredChain } from "./stored-chain.ts";

export interface ChainGenesis {
  readonly block: FullBlock;
  readonly stateRoot: CID;
}

export interface ChainOptions {
  readonly database: ChainDatabase;
  /** Needed when the database is empty; checked against it otherwise. */
  readonly genesis?: ChainGenesis;
  readonly logger: Logger;
  readonly checkpoint?: Checkpoint;
  /** The versions of the rules that are known; default: the program's own. */
  readonly protocols?: Protocols | undefined;
}

/**
 * The genesis state must lie in the database already. Errors: `chain/no-genesis`, `chain/wrong-genesis`,
 * `chain/not-on-checkpoint`.
 */
export async function openChain({
  database,
  genesis,
  logger,
  checkpoint,
  protocols,
}: ChainOptions): Promise<StoredChain> {
  const known = database.getMeta(metaKeys.genesis);
  if (genesis !== undefined) {
    const cid = blockCid(genesis.block.header).toString();
    if (known === undefined) await writeGenesis(database, genesis);
    else if (utf8Text(known) !== cid)
      throw chainErrors.wrongGenesis({ found: utf8Text(known), expected: cid });
  } else if (known === undefined) throw chainErrors.noGenesis({});
  return new StoredChain(database, logger, checkpoint, protocols);
}

async function writeGenesis(database: ChainDatabase, genesis: ChainGenesis): Promise<void> {
  const tipset = createTipset([genesis.block.header]);
  const money = moneyInvariant(database, genesis.stateRoot);
  const { cids, height } = tipset;
  const record: TipsetRecord = { cids, height, parents: [], stateRoot: genesis.stateRoot, weight: 0n };
  const cid = blockCid(genesis.block.header);
  await database.commit(
    new Map([
      [metaKeys.genesis, utf8Bytes(tipset.key)],
      [metaKeys.genesisTotal, utf8Bytes(money.total.toString())],
      [metaKeys.head, utf8Bytes(tipset.key)],
      [metaKeys.tipset(tipset.key), encode(tipsetRecordCodec, record)],
      [metaKeys.results(tipset.key), encode(resultsCodec, [])],
      [metaKeys.header(cid), encode(blockHeaderCodec, genesis.block.header)],
      [metaKeys.body(cid), encode(bodyCodec, genesis.block.messages)],
      ...placeFacts(database, tipset),
      [metaKeys.height(0), utf8Bytes(tipset.key)],
    ]),
  );
}
