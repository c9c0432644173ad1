/**
 * The known answers that a native function must give before it is installed. They are constants, computed
 * once by the noble reference (the tests compute them again), because the reference needs a tenth of a second
 * for them and every worker thread asks.
 */
import { type CryptoKernel, equalBytes, fromHex, utf8Bytes } from "@holdfast/base";

/** What the functions are asked about. */
export const kernelSample = utf8Bytes(
  "holdfast kernel check, longer than one BLAKE2s block of 64 bytes and odd.",
);
/** SHA-256 of the sample; private key and digest at once. */
export const kernelSampleKey = fromHex("49821ea6f58c1f2ce6fb8e593cdf1fdb5e7b8af22e0d7df1c476b69de10d0962");

const secpSignature = fromHex(
  "4ae828bd7fa9b75dd02d796c07e7807c922359fc9c80c3a9b058eed73e901dd9" +
    "664d2778d678864b6ef10b9740ead01ec4b1340a9b0ba1b44023db4a684d13e400",
);
const secpPublicKey = fromHex(
  "047c73f959e66f02c821b157b9f60a9805e359adc129f51022d6c72b2845be722c" +
    "3d1de8db67759466c681f6749addf96bb394ba2ebeb4dbeff2ba400122bc5c98",
);

const chachaNonce = kernelSampleKey.subarray(0, 12);
const chachaSealed = fromHex(
  "5f1c16f6ea08bffc58febfaac0460d14da578fb0e3efc93a3b61d60e3a59a71550bd83e5e26d80a3" +
    "6b67be962cf19859c691d7cd9381425d803a098e352bf44f08e21472686ffb003667671a43b983de" +
    "bb777ae6e52e7a41b0",
);

interface KnownAnswer {
  readonly name: keyof CryptoKernel;
  readonly ask: (functions: Partial<CryptoKernel>) => Uint8Array | undefined;
  readonly answer: Uint8Array;
}

export const knownAnswers: readonly KnownAnswer[] = [
  {
    name: "blake2b256",
    ask: ({ blake2b256 }) => blake2b256?.(kernelSample),
    answer: fromHex("313a07a957062ca3ca2b22dc799582d30500d5405eb09188f62527717d2604a5"),
  },
  {
    name: "blake2b160",
    ask: ({ blake2b160 }) => blake2b160?.(kernelSample),
    answer: fromHex("0bfc1b4cc3159580f9186269e8a76a1d064ad550"),
  },
  {
    name: "blake2s256",
    ask: ({ blake2s256 }) => blake2s256?.(kernelSample),
    answer: fromHex("320d069e8eb0312079d24bd552296c36a6f0db12192615303500729dac8b0784"),
  },
  {
    name: "secpPublicKey",
    ask: (functions) => functions.secpPublicKey?.(kernelSampleKey),
    answer: secpPublicKey,
  },
  {
    name: "secpSign",
    ask: ({ secpSign }) => secpSign?.(kernelSampleKey, kernelSampleKey),
    answer: secpSignature,
  },
  {
    name: "secpRecover",
    ask: ({ secpRecover }) => secpRecover?.(kernelSampleKey, secpSignature),
    answer: secpPublicKey,
  },
  {
    name: "blsPublicKey",
    ask: ({ blsPublicKey }) => blsPublicKey?.(kernelSampleKey),
    answer: fromHex(
      "a907bc0d12c2b5e4daffa62385f033dce533e8ad318211e53ba07000571d90210e33acdcfc6301b113a8a3187b9bdf7f",
    ),
  },
  {
    name: "blsSign",
    ask: ({ blsSign }) => blsSign?.(kernelSampleKey, kernelSample),
    answer: fromHex(
      "aaac83306948006639edc5f31ce7f74d57988911b986410d15de5c5e46cb61d45dea27a254563beff5bb3b4d855991a0" +
        "05c39025618140a03eabb47ed9db1238f529c7184686b0dfb15004cbb99daf1fddb5f88f94977a0a380b301d82dfd7fe",
    ),
  },
  {
    name: "chachaSeal",
    ask: ({ chachaSeal }) => chachaSeal?.(kernelSampleKey, chachaNonce, kernelSample),
    answer: chachaSealed,
  },
  {
    name: "chachaOpen",
    ask: ({ chachaOpen }) => chachaOpen?.(kernelSampleKey, chachaNonce, chachaSealed),
    answer: kernelSample,
  },
];

/** Whether every given function answers one known input as the reference does. */
export function agreesWithReference(functions: Partial<CryptoKernel>): boolean {
  return knownAnswers
    .filter(({ name }) => functions[name] !== undefined)
    .every(({ ask, answer }) => {
      const actual = ask(functions);
      return actual !== undefined && equalBytes(answer, actual);
    });
}
