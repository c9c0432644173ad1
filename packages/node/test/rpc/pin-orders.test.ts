/**
 * Pinning that is bought, by the API of a whole network: a program is listed, a node is admitted with real evidence by
 * software, an order is made, confirmed, reported, settled, claimed and ended. The node itself is played by the test.
 */
import {
  accountAddress,
  attoFil,
  blake2b256,
  encode,
  epoch,
  parseAddress,
  publicKeyOf,
  rawCid,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import {
  answerOf,
  builtinAddresses,
  methods,
  type NetworkParams,
  networkIdOfGenesis,
  type PinSample,
  pinNonceTag,
  pinReportFacts,
  pinSlotTag,
  sampleSeed,
  signPinReport,
} from "@holdfast/consensus";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { networkSeed, reportDataOf } from "@holdfast/proofs/attestation";
import { softwareAuthority } from "@holdfast/proofs/attestation/software";
import { describe, expect, it } from "vitest";

const { signal } = new AbortController();
const nothing = new Uint8Array(0);
const privateKey = blake2b256(utf8Bytes("the key of an enclave"));
const publicKey = publicKeyOf(privateKey);
const program = blake2b256(utf8Bytes("a program"));
const content = utf8Bytes("what is to be kept");
const cid = rawCid(content);
const pinSlotEpochs = 8;
const forMs = 8 * 20 * 1_000;

class PinNetwork {
  readonly net: TestNetwork;
  constructor(net: TestNetwork) {
    this.net = net;
  }

  get #chain() {
    return this.net.client.node.chain;
  }
  get api() {
    return this.net.client.node.handlers;
  }
  get #env() {
    const [genesis] = this.#chain.genesis.cids;
    if (genesis === undefined) throw new RangeError("a chain has a genesis");
    const networkId = networkIdOfGenesis(genesis);
    return { networkId, randomness: this.#chain.randomnessBelow(this.#chain.head()) };
  }

  /** Waits for a message of the client's and tells its exit code. */
  async mined(sent: Promise<{ readonly cid: string }>): Promise<number | undefined> {
    const { cid: message } = await this.net.settle(sent);
    const wanted = { cid: message, timeoutMs: 60_000, confirmations: 0 };
    const { receipt } = await this.net.settle(this.api["message.wait"](wanted, signal));
    return receipt?.exitCode;
  }

  call(
    method: "admitNode" | "submitReport",
    params: Uint8Array,
    amount = "0",
  ): Promise<{ readonly cid: string }> {
    const to = builtinAddresses(1).pins;
    return this.api["message.send"]({ to, value: amount, method, paramsHex: toHex(params) }, signal);
  }

  admission(): Uint8Array {
    const { randomness, networkId } = this.#env;
    const { height, blocks } = this.#chain.head();
    const nonceEpoch = epoch(height - 1);
    const peerId = "peer-of-the-pinning-node";
    const identity = {
      ...{
        use: "pin-node" as const,
        networkId,
        nodeKey: publicKey,
        peerId,
        operator: this.net.client.account,
      },
      ...{ epoch: nonceEpoch, nonce: randomness(nonceEpoch, pinNonceTag, nothing) },
    } as const;
    const software = softwareAuthority(networkSeed(networkId));
    const atSeconds = Math.floor((blocks[0]?.timestampMs ?? 0) / 1000);
    const evidence = {
      kind: "software",
      evidence: software.quote({ program, reportData: reportDataOf(identity), svn: 1 }),
      collateral: [software.collateral({ atSeconds })],
    } as const;
    const proof = { program, nonceEpoch, evidence };
    const terms = { publicKey, peerId, capacityBytes: 2 ** 20, leastPrice: attoFil(0n), proof };
    return encode(methods.pins.admitNode.params, terms);
  }

  /** Goes to the beginning of a slot and reports what the node has. */
  async report(added: readonly number[]): Promise<number | undefined> {
    do await this.net.advance("1s");
    while (this.#chain.head().height % pinSlotEpochs !== 1);
    const { store } = this.#chain;
    const { state, tipset } = this.#chain.headState();
    const { randomness, networkId } = this.#env;
    const slot = Math.floor(tipset.height / pinSlotEpochs);
    const slotHash = randomness(epoch(slot * pinSlotEpochs), pinSlotTag, nothing);
    const given = { node: 0, height: epoch(tipset.height + 1), slotHash, networkId };
    const facts = pinReportFacts(store, state, given);
    if (facts === undefined) throw new RangeError("the node is there");
    const key = accountAddress(1, publicKey);
    const { root: set, count } = facts.set;
    const samples = Array.from({ length: count === 0 ? 0 : facts.samples }, (_, index): PinSample => {
      const answer = answerOf(sampleSeed({ networkId, slot, slotHash, key }, index), content);
      return { pin: 0, root: cid, block: cid, answer, bytes: content.length, elapsedMs: 1 };
    });
    const fields = {
      node: 0,
      key,
      slot,
      slotHash,
      previous: facts.node.lastReport,
      set,
      count,
      added,
      samples,
    };
    const report = signPinReport(privateKey, networkId, { ...fields, program: "the test" });
    return this.mined(this.call("submitReport", encode(methods.pins.submitReport.params, { report })));
  }
}

describe("pinning that is bought", () => {
  it("is ordered, held, paid and ended by the API", async () => {
    const params = { pinSlotEpochs, pinSamples: 3, pinDisputeSlots: 2, finalityEpochs: 20 };
    await using net = await createNetwork({ miners: 1, seed: "pin-orders", clientUpgrades: true, params });
    await net.advance("5s");
    const world = new PinNetwork(net);
    const { api } = world;
    const listed = { kind: "software", programHex: toHex(program), name: "tests", expires: 100_000 } as const;
    expect(await world.mined(api["pinProgram.set"](listed, signal))).toBe(0);
    const platform = { leastTcbEvaluation: 0, tcbStatuses: [], leastFirmware: [] };
    expect(await api["pinProgram.ls"]({}, signal)).toEqual([{ ...listed, platform }]);
    expect(await world.mined(world.call("admitNode", world.admission(), "10"))).toBe(0);
    const { nodes } = await api["pinNode.ls"]({ from: 0, limit: 10 }, signal);
    expect(nodes).toMatchObject([
      { node: 0, status: "active", program: "tests", kind: "software", reports: 0 },
    ]);

    const wanted = { cid: cid.toString(), sizeBytes: 2 ** 19, nodes: 1, price: "1000", forMs, key: "buy" };
    const bought = await net.settle(api["pinOrder.add"](wanted, signal));
    expect(bought).toMatchObject({ slots: 20, isProposal: false });
    expect(await net.settle(api["pinOrder.add"](wanted, signal))).toEqual(bought);
    expect(await world.mined(Promise.resolve(bought))).toBe(0);
    const show = () => api["pinOrder.show"]({ pin: 0 }, signal);
    const why = () => api.why({ subject: "pin:0" }, signal);
    expect(await why()).toMatchObject({ kind: "pin", state: "waiting", light: "waiting", fix: null });
    expect(await show()).toMatchObject({
      state: "waiting",
      nodesHolding: 0,
      holders: [{ state: "assigned" }],
    });

    expect(await world.report([0])).toBe(0);
    expect(await show()).toMatchObject({ holders: [{ countedPercent: null }] }); // it was asked nothing of it
    expect(await world.report([])).toBe(0);
    expect(await show()).toMatchObject({ state: "held", nodesHolding: 1, holders: [{ state: "holding" }] });
    expect(await why()).toMatchObject({ state: "held", light: "ok", summary: "1 of 1 nodes hold it" });
    // The newest slots are credited later: by them a buyer could still be answered.
    for (let slot = 0; slot < 3; slot += 1) expect(await world.report([])).toBe(0);
    expect(await world.mined(api["pinOrder.settle"]({ pins: [0] }, signal))).toBe(0);
    const { slotFil } = await show();
    const { earnedFil, countedPercent } = await api["pinNode.show"]({ node: 0 }, signal);
    expect([earnedFil, countedPercent]).toEqual([slotFil, 100]);
    expect(await world.mined(api["pinNode.claim"]({ node: 0 }, signal))).toBe(0);
    expect(await api["pinNode.show"]({ node: 0 }, signal)).toMatchObject({ earnedFil: "0" });

    const { endHeight } = await show();
    expect(await world.mined(api["pinOrder.extend"]({ pin: 0, forMs }, signal))).toBe(0);
    expect(await show()).toMatchObject({ endHeight: endHeight + 20 * pinSlotEpochs });
    expect(await world.mined(api["pinOrder.rm"]({ pin: 0 }, signal))).toBe(0);
    await net.advance("10s");
    expect(await show()).toMatchObject({ state: "ended" });
    expect(await why()).toMatchObject({ state: "ended", fix: "holdfast pin settle 0" });
    expect(await world.mined(api["pinOrder.settle"]({ pins: [0] }, signal))).toBe(0);
    const { pins } = await api["pinOrder.ls"]({ from: 0, limit: 10 }, signal);
    expect(pins).toEqual([]);
    await expect(show()).rejects.toMatchObject({ code: "rpc/no-order" });
    expect(await why()).toMatchObject({ kind: "unknown" });
    const rounded = { subject: "9007199254740993" }; // as a number it is another sector
    expect(await api.why(rounded, signal)).toMatchObject({ kind: "unknown" });
    await expect(api.why({ subject: "idle" }, signal)).rejects.toMatchObject({ code: "rpc/no-sectors" });
    await expect(net.miners[0]?.node.handlers.why({ subject: "idle" }, signal)).rejects.toMatchObject({
      code: "rpc/no-idle-space",
    });
  }, 60_000);
});

describe("the list of programs", () => {
  it("is proposed to a multisig that is the authority; moving an end keeps what is asked of platforms", async () => {
    const seed = "programs of a multisig";
    const rich = { signers: [] as string[], threshold: 1, amount: "5" };
    const started = async (params: Partial<NetworkParams>) => {
      const net = await createNetwork({ miners: 1, seed, params });
      await net.advance("3s");
      const { handlers: api } = net.client.node;
      const { address } = await net.settle(
        api["multisig.create"]({ ...rich, signers: [net.client.account] }, signal),
      );
      await net.advance("3s");
      return { net, api, multisig: parseAddress(address ?? "") };
    };
    // The same messages make it at the same address.
    const upgradeAuthority = await (async () => {
      const { net, multisig } = await started({});
      await using _ = net;
      return multisig;
    })();
    const { net, api, multisig } = await started({ upgradeAuthority });
    await using _ = net;
    expect(multisig).toBe(upgradeAuthority);
    const listed = { kind: "sev-snp", programHex: toHex(program), name: "tests", expires: 100_000 } as const;
    const platform = {
      ...{ leastTcbEvaluation: 17, tcbStatuses: ["UpToDate" as const] },
      leastFirmware: [{ line: "Milan" as const, fmc: 0, bl: 4, tee: 0, snp: 24, ucode: 219 }],
    };
    const set = async (given: object) => {
      const sent = await net.settle(api["pinProgram.set"]({ ...listed, ...given }, signal));
      expect(sent.isProposal).toBe(true);
      await net.advance("3s");
      return (await api["pinProgram.ls"]({}, signal))[0];
    };
    expect(await set({ platform })).toEqual({ ...listed, platform });
    expect(await set({ expires: 200_000 })).toEqual({ ...listed, expires: 200_000, platform });
    const any = { leastTcbEvaluation: 0, tcbStatuses: [], leastFirmware: [] };
    expect((await set({ platform: any }))?.platform).toEqual(any);
  });
});
