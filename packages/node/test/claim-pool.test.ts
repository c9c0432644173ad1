/** Verdicts of signatures do not depend on the thread that verifies them, and none is lost with its thread. */
import {
  accountAddress,
  blsKeyFromSeed,
  blsPublicKey,
  blsSign,
  publicKeyOf,
  signRecoverable,
} from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { expect, it } from "vitest";
import { createClaimPool } from "../src/claim-pool.ts";
import { type Claim, inlineClaims } from "../src/claims.ts";

/** Good and bad ones of both kinds, in no order. */
function someClaims(seed: string, count: number): Claim[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, at) => {
    const [key, bytes] = [random.bytes(32), random.bytes(40)];
    const isBad = at % 3 === 1;
    if (at % 2 === 0) {
      const signature = signRecoverable(key, isBad ? random.bytes(40) : bytes);
      return { kind: "account", bytes, signature, address: accountAddress(1, publicKeyOf(key)) };
    }
    const secret = blsKeyFromSeed(key);
    const output = isBad ? random.bytes(96) : blsSign(secret, bytes);
    return { kind: "draw", key: blsPublicKey(secret), input: bytes, output };
  });
}

it("threads give the verdicts of this thread, in order", async () => {
  await using pool = createClaimPool(2);
  const claims = someClaims("claims", 60);
  const expected = await inlineClaims.verify(claims);
  expect(new Set(expected).size).toBe(2);
  expect(await pool.verify(claims)).toEqual(expected);
  expect(pool.threadCount).toBe(2);
  const parts = [claims.slice(0, 1), claims.slice(1, 20), claims.slice(20)];
  expect((await Promise.all(parts.map((part) => pool.verify(part)))).flat()).toEqual(expected);
});

it("claims whose thread is lost get their verdicts all the same", async () => {
  const pool = createClaimPool(1);
  const claims = someClaims("lost", 12);
  const verdicts = pool.verify(claims);
  await pool[Symbol.asyncDispose]();
  expect(await verdicts).toEqual(await inlineClaims.verify(claims));
  expect(await pool.verify(claims)).toEqual(await inlineClaims.verify(claims));
});
