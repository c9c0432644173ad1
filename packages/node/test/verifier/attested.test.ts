/**
 * Verifiers of a network show what they run: by themselves, in virtual time, before they have a voice; one that runs
 * something else never has one, and evidence is renewed before it is too old.
 */
import { addressBytes, equalBytes, toHex } from "@holdfast/base";
import { isInOffice, readIdleMiner, readIdleVerifiers } from "@holdfast/consensus";
import { idleFileBytes, idleFilesPerSet, idleProfiles } from "@holdfast/proofs";
import { expect, it } from "vitest";
import { createNetwork, type TestNetwork, type TestNode } from "../../src/testing/index.ts";

const profile = idleProfiles.get("idle-32KiB");
if (profile === undefined) throw new RangeError("the small profile is there");
const setBytes = idleFilesPerSet(profile) * idleFileBytes(profile);
const program = new Uint8Array(32).fill(3);
const otherProgram = new Uint8Array(32).fill(4);

/** The second verifier runs another program than the one on the list. */
const network = (): Promise<TestNetwork> =>
  createNetwork({
    miners: 1,
    verifiers: 2,
    clientUpgrades: true,
    params: { pinEvidenceEpochs: 45 },
    pinning: { program, programOf: (name) => (name === "verifier-2" ? otherProgram : program) },
  });

const verifiersOf = (net: TestNetwork): readonly TestNode[] =>
  net.nodes.filter(({ role }) => role === "verifier");

function entryOf(net: TestNetwork, { account }: TestNode) {
  const { chain } = net.client.node;
  const all = readIdleVerifiers(chain.store, chain.headState().state);
  const found = all.find(({ operator }) => equalBytes(addressBytes(operator), addressBytes(account)));
  if (found === undefined) throw new RangeError("the genesis has admitted it");
  return found;
}

function isIn(net: TestNetwork, node: TestNode): boolean {
  const { chain } = net.client.node;
  return isInOffice(entryOf(net, node), chain.params.idle, chain.head().height + 1);
}

/** Of the network's authorities: the other program may run too, one verifier may stay longer, the other ends. */
async function admits(net: TestNetwork, good: TestNode, changed: TestNode): Promise<void> {
  const { signal } = new AbortController();
  const { handlers } = net.client.node;
  const program = { programHex: toHex(otherProgram), kind: "software", name: "next" } as const;
  await net.settle(handlers["pinProgram.set"]({ ...program, expires: 1_000_000 }, signal));
  expect(await net.advanceUntil(() => isIn(net, changed), 60_000)).toBe(true);
  expect(entryOf(net, changed).runs?.program).toEqual(otherProgram);
  const longer = { operator: good.account, peerId: good.name, forEpochs: 5_000_000 };
  const { expires } = entryOf(net, good);
  await net.settle(handlers["verifier.admit"](longer, signal));
  expect(await net.advanceUntil(() => entryOf(net, good).expires !== expires, 60_000)).toBe(true);
  expect(isIn(net, good)).toBe(true);
  await net.settle(handlers["verifier.remove"]({ operator: changed.account }, signal));
  expect(await net.advanceUntil(() => !isIn(net, changed), 60_000)).toBe(true);
}

it("verifiers attest by themselves, certify and renew; one that runs something else has no voice", async () => {
  await using net = await network();
  const [good, changed] = verifiersOf(net);
  const [miner] = net.miners;
  if (good === undefined || changed === undefined || miner?.miner === undefined)
    throw new RangeError("nodes");
  const { signal } = new AbortController();
  const address = miner.miner;
  expect([isIn(net, good), isIn(net, changed)]).toEqual([false, false]);
  expect(await net.advanceUntil(() => isIn(net, good), 60_000)).toBe(true);
  const { key, runs, validUntil } = entryOf(net, good);
  expect([runs?.kind, runs?.program]).toEqual(["software", program]);
  expect(key).not.toBe(good.account);
  expect(good.node.idleVerifier?.status().office.reason).toBeUndefined();
  await net.settle(miner.node.handlers["idle.fill"]({ maxBytes: 3 * setBytes }, signal));
  const rear = (): number => {
    const { chain } = net.client.node;
    return readIdleMiner(chain.store, chain.headState().state, address)?.state.rear ?? 0;
  };
  expect(await net.advanceUntil(() => rear() >= profile.files, 400_000)).toBe(true);
  // Renewed in the last third of its time, under the same key, also after a restart.
  await net.settle(good.stop());
  await net.settle(good.start());
  expect(await net.advanceUntil(() => entryOf(net, good).validUntil > validUntil, 200_000)).toBe(true);
  expect(entryOf(net, good).key).toBe(key);
  expect(isIn(net, good)).toBe(true);
  expect(isIn(net, changed)).toBe(false);
  const { own } = await changed.node.handlers["verifier.list"]({}, signal);
  expect(own?.reason?.code).toBe("verifier/program-not-allowed");
  await admits(net, good, changed);
});
