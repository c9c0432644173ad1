/** Chains that full nodes agree on, for who follows headers: by chosen miners, or by those that win their draws. */
import { blsSign, epoch } from "@holdfast/base";
import {
  applyTipset,
  type BlockHeader,
  createTipset,
  electionInput,
  type FullBlock,
  isWinner,
  type LightProvider,
  proveLight,
  readElectionFacts,
  signBlock,
  type Tipset,
  ticketInput,
  tipsetKey,
} from "@holdfast/consensus";
import { mineBlock, type Parent, type TestMiner, testNetworkId, type World } from "./world.ts";

export interface Link {
  readonly tipset: Tipset;
  /** After the tipset. */
  readonly state: Parent["state"];
}

export interface GrowOptions {
  readonly change?: Partial<BlockHeader>;
  readonly signer?: TestMiner;
  readonly height?: number;
  /** With tickets and draws that are the miner's. */
  readonly isDrawn?: boolean;
}

export class FullChain {
  readonly world: World;
  readonly links: Link[];
  readonly networkId: Uint8Array;

  constructor(world: World, networkId: Uint8Array = testNetworkId) {
    this.world = world;
    this.networkId = networkId;
    this.links = [{ tipset: createTipset([world.genesis.header]), state: world.genesis.state }];
  }
  /** Another chain that has the same tipsets so far. */
  fork(): FullChain {
    const other = new FullChain(this.world, this.networkId);
    other.links.splice(0, other.links.length, ...this.links);
    return other;
  }
  get top(): Link {
    return this.links.at(-1) as Link;
  }

  grow(miners: readonly TestMiner[], options: GrowOptions = {}): Link {
    const { tipset, state } = this.top;
    const parent = { state, cids: tipset.cids };
    const height = options.height ?? tipset.height + 1;
    const blocks = miners.map((miner): FullBlock => {
      const { block } = mineBlock(this.world, miner.address, { parent, height }, []);
      const drawn = options.isDrawn === true ? drawsOf(tipset, miner, height) : {};
      const { signature: _, ...unsigned } = { ...block.header, ...drawn, ...options.change };
      const { privateKey } = (options.signer ?? miner).worker;
      return { ...block, header: signBlock(privateKey, this.networkId, unsigned) };
    });
    const { store, env } = this.world;
    const after = applyTipset({ store, parentState: state, blocks, env });
    const link = { tipset: createTipset(blocks.map(({ header }) => header)), state: after.stateRoot };
    this.links.push(link);
    return link;
  }

  /** The next height at which one of them wins. */
  growEarned(miners: readonly TestMiner[]): Link {
    const { tipset, state } = this.top;
    for (let height = tipset.height + 1; ; height += 1) {
      const winners = miners.filter((miner) => {
        const facts = readElectionFacts(this.world.store, state, miner.address);
        return facts !== undefined && isWinner(drawOf(tipset, miner, height), facts.power, facts.totalPower);
      });
      if (winners.length > 0) return this.grow(winners, { height, isDrawn: true });
    }
  }
}

const draws = new Map<string, Uint8Array>();
/** Signing takes its time, and a draw is asked for again by who makes the block. */
function drawOf({ key, minTicket }: Tipset, { address, blsKey }: TestMiner, height: number): Uint8Array {
  const name = `${key} ${address} ${height}`;
  const draw = draws.get(name) ?? blsSign(blsKey, electionInput(minTicket, epoch(height), address));
  draws.set(name, draw);
  return draw;
}

function drawsOf(parent: Tipset, miner: TestMiner, height: number) {
  const { address, blsKey } = miner;
  return {
    electionProof: drawOf(parent, miner, height),
    ticket: blsSign(blsKey, ticketInput(parent.minTicket, epoch(height), address)),
  };
}

/** A node with this chain. */
export function honest(chain: FullChain, name = "honest"): LightProvider {
  return {
    name,
    async headers({ from, count }) {
      const at = chain.links.findIndex(({ tipset }) => tipset.key === tipsetKey(from));
      if (at < 0) return { state: "unknown", tipsets: [] };
      return {
        state: "found",
        tipsets: chain.links.slice(at, at + count).map(({ tipset }) => tipset.blocks),
      };
    },
    async prove({ state, question }) {
      return { state: "found", witness: proveLight(chain.world.store, state, question) };
    },
  };
}
