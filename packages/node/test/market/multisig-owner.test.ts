/** Deals of a miner that a multisig owns: a signer proposes the redemption, the others approve, it is paid. */
import { type Address, attoFil, type Codec, createdAddress, encode, nonce, parseFil } from "@holdfast/base";
import {
  builtinAddresses,
  methods,
  none,
  readActor,
  readMinerState,
  readMultisig,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { noise, type TestMiner, World } from "./support/world.ts";

const mostFees = 60_000n;
/** Parameters of a proposal. */
const mostProposed = 32_768;
const state = (world: World) => world.chain.headState().state;
const balanceOf = (world: World, address: Address): bigint =>
  readActor(world.chain.store, state(world), address)?.balance ?? 0n;

async function call<Params>(
  world: World,
  { sender }: TestMiner,
  from: Address,
  to: Address,
  [method, codec, params]: readonly [string, Codec<Params>, Params],
): Promise<number> {
  const sent = await world.settle(sender.send({ from, to, method, params: encode(codec, params) }));
  const { receipt } = await world.settle(sender.wait(sent.cid));
  expect(receipt.exitCode, method).toBe(0);
  return sent.nonce;
}

/** The miner's owner and worker hold it together from now on. */
async function handOver(world: World, miner: TestMiner): Promise<Address> {
  const [owner, worker] = [miner.owner.address, miner.worker.address];
  const { init } = builtinAddresses(1);
  const terms = { signers: [owner, worker], threshold: 2, unlockEpochs: 0 };
  const at = await call(world, miner, owner, init, [
    "createMultisig",
    methods.init.createMultisig.params,
    terms,
  ]);
  const multisig = createdAddress(owner, nonce(at));
  const { changeOwner, acceptOwner } = methods.miner;
  await call(world, miner, owner, miner.address, ["changeOwner", changeOwner.params, { owner: multisig }]);
  const params = encode(acceptOwner.params, none);
  const accept = { to: miner.address, method: "acceptOwner", value: attoFil(0n), params };
  await call(world, miner, owner, multisig, ["propose", methods.multisig.propose.params, accept]);
  await approve(world, miner, multisig);
  expect(readMinerState(world.chain.store, state(world), miner.address).owner).toBe(multisig);
  return multisig;
}

async function approve(world: World, miner: TestMiner, multisig: Address): Promise<void> {
  const [open] = readMultisig(world.chain.store, state(world), multisig, world.height + 1).transactions;
  if (open === undefined) throw new TypeError("a transaction is open");
  const { transactionId, hash } = open;
  const params = { transactionId, hash };
  await call(world, miner, miner.worker.address, multisig, [
    "approve",
    methods.multisig.approve.params,
    params,
  ]);
}

describe("a miner that a multisig owns", () => {
  it("takes deals, and each voucher is redeemed by a proposal with the right parameters", async () => {
    await using world = await World.create({ miners: 1 });
    const miner = world.miner(0);
    const multisig = await handOver(world, miner);
    await world.reopenMiner(miner);
    const job = await world.put(await world.import(noise(900)), { durationEpochs: 240 });
    expect(job.state).toBe("done");
    const [deal] = await miner.market.deals();
    const dealId = deal?.dealId ?? "";
    const redeem = async (): Promise<bigint> => {
      await world.until(() => miner.market.redemption(dealId) !== undefined, 300);
      const due = miner.market.redemption(dealId);
      if (due === undefined) throw new TypeError("a voucher is due");
      const { from, amount, adds, ...rest } = due;
      expect(from).toBe(multisig);
      expect(due.params.length).toBeLessThan(mostProposed / 2);
      const before = balanceOf(world, multisig);
      const proposal = { to: rest.to, value: attoFil(0n), method: rest.method, params: rest.params };
      const { propose } = methods.multisig;
      await call(world, miner, miner.owner.address, multisig, ["propose", propose.params, proposal]);
      await world.rounds(2);
      await approve(world, miner, multisig);
      // The owner of a miner has its rewards too, and the fees of what its blocks took.
      const gain = (balanceOf(world, multisig) - before) % world.chain.params.blockReward;
      expect(gain >= adds && gain < adds + mostFees, `${gain} for ${adds}`).toBe(true);
      return amount;
    };
    await redeem();
    await world.until(() => world.height >= (deal?.endHeight ?? 0), 400);
    expect(miner.market.redemption(dealId)?.method).toBe("close");
    expect(await redeem()).toBe(parseFil(job.totalFil));
    await world.until(async () => (await miner.market.deals())[0]?.state === "complete", 40);
    // It never tried to send what only the signers can.
    expect(world.mined.filter(({ method }) => method === "redeem" || method === "close")).toEqual([]);
  });
});
