/**
 * Machines that attest, made up: Gramine's pseudo-files and the kernel's configfs-tsm as their documents describe them,
 * with a PKI of Intel's shape behind them, and a service of collateral that counts who asks.
 */
import { concatBytes, fromHex, seedAddress, toHex, utf8Bytes } from "@holdfast/base";
import { SeededRandom, SimClock, SimDisk } from "@holdfast/base/testing";
import type { AttestedIdentity, ExpectedIdentity } from "@holdfast/proofs/attestation";
import {
  composeQuote,
  composeSgxReport,
  composeTdReport,
  intelNames,
  intelVendor,
  isoTime,
  keyOf,
  makeAmd,
  makePki,
  pemText,
  signP256,
} from "@holdfast/proofs/attestation/software";
import {
  type AttestationNeeds,
  attestationErrors,
  type Devices,
  type Fetcher,
} from "../../src/attestation/index.ts";

export const atSeconds = 1_735_689_600; // where simulated clocks begin
const day = 86_400;
const seed = utf8Bytes("a vendor of tests");
const platform = { fmspc: "00906ea10000", pceId: "0000", svns: Array<number>(16).fill(5), pceSvn: 11 };
const validity = { notBeforeSeconds: atSeconds - 400 * day, notAfterSeconds: atSeconds + 4_000 * day };
export const vendor = makePki({ seed, names: intelNames, validity, platform });

export const amd = makeAmd({ seed, line: "Milan", validity });
export const genoa = makeAmd({ seed, line: "Genoa", validity });

export const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
export const enclave = filled(32, 0x3e);
export const networkId = filled(32, 0x17);

export const identityOf = (change: Partial<AttestedIdentity> = {}): AttestedIdentity => ({
  ...{ use: "pin-node", networkId, nodeKey: filled(65, 4), peerId: "12D3KooWtest" },
  ...{ operator: seedAddress(1, "operator"), epoch: 100, nonce: filled(32, 9), ...change },
});

/** As who judges would have it that this identity asks. */
export const expectedOf = (identity: AttestedIdentity): ExpectedIdentity => ({
  ...{ use: identity.use, networkId, nodeKey: identity.nodeKey, peerId: identity.peerId },
  ...{ operator: identity.operator, epoch: identity.epoch + 10, mostAgeEpochs: 50 },
  nonceAt: () => identity.nonce,
});

/** Certification data of the types 1 to 3: the platform's id instead of its certificate. */
export function platformId(type: 1 | 2 | 3): { readonly type: number; readonly data: Uint8Array } {
  const ppid = filled({ 1: 16, 2: 256, 3: 384 }[type], 0xe1);
  return { type, data: concatBytes(ppid, filled(16, 5), Uint8Array.of(11, 0, 0, 0)) };
}

const pckChain = {
  type: 5,
  data: utf8Bytes(`${pemText(vendor.pck, vendor.authority, vendor.root)}\0`),
};

/** A quote that the made-up vendor's platform signs. */
export function vendorQuote(
  tee: "sgx" | "tdx",
  reportData: Uint8Array,
  version = tee === "sgx" ? 3 : 4,
  certification = pckChain,
): Uint8Array {
  const common = { cpuSvn: filled(16, 5), miscSelect: filled(4, 0), mrEnclave: enclave };
  const attributes = fromHex("0500000000000000e700000000000000");
  const quoting = { ...common, attributes, mrSigner: filled(32, 0x8c), isvProdId: 1, isvSvn: 8 };
  const sgx = { ...common, attributes, mrSigner: filled(32, 0x51), isvProdId: 7, isvSvn: 3, reportData };
  const td = {
    ...{ teeTcbSvn: Uint8Array.of(5, 0, 3, ...filled(13, 0)), mrSignerSeam: filled(48, 0) },
    ...{ seamAttributes: filled(8, 0), tdAttributes: fromHex("0000001000000000"), mrTd: filled(48, 0x7d) },
    reportData,
  };
  return composeQuote({
    ...{ version, keyType: 2, teeType: tee === "sgx" ? 0 : 0x81, vendor: intelVendor },
    ...{ bodyType: tee === "sgx" ? 1 : 2, body: tee === "sgx" ? composeSgxReport(sgx) : composeTdReport(td) },
    ...{ attestationKey: keyOf(seed, "attestation"), qe: quoting, pckKey: vendor.pckKey },
    ...{ authData: filled(32, 0xaa), certificationType: certification.type },
    certificationData: certification.data,
  });
}

/** Gramine: one report's data for the whole process, a key of the enclave. */
export class FakeGramine implements Devices {
  type = "dcap\n";
  #data = new Uint8Array(64);
  /** Called when a quote is read, with what it would carry. */
  onQuote: (data: Uint8Array) => Uint8Array = (data) => data;

  async read(path: string): Promise<Uint8Array | undefined> {
    const name = path.replace("/dev/attestation/", "");
    if (name === "attestation_type") return utf8Bytes(this.type);
    if (name === "keys/_sgx_mrenclave") return enclave.slice(0, 16);
    if (name === "quote") return vendorQuote("sgx", this.onQuote(this.#data));
    return undefined;
  }
  async write(path: string, bytes: Uint8Array): Promise<void> {
    if (path !== "/dev/attestation/user_report_data") throw noFile(path);
    await Promise.resolve();
    this.#data = bytes.slice();
  }
  isFolder = async (): Promise<boolean> => false;
  makeFolder = async (path: string): Promise<void> => Promise.reject(noFile(path));
  removeFolder = async (path: string): Promise<void> => Promise.reject(noFile(path));
}

const noFile = (path: string) => attestationErrors.deviceFailed({ path, problem: "EACCES" });
const tsmRoot = "/sys/kernel/config/tsm/report";

/** configfs-tsm: a request is a folder, and each write to it is counted. */
export class FakeTsm implements Devices {
  readonly #requests = new Map<string, { inblob: Uint8Array; generation: number }>();
  provider: string;
  /** What answers a request. */
  outblob: (inblob: Uint8Array) => Uint8Array;
  auxblob: Uint8Array | undefined;
  /** Called before `outblob` is read; whoever writes here does it to somebody's request. */
  onRead: (write: (bytes: Uint8Array) => void) => void = () => undefined;

  constructor(provider: string, outblob: (inblob: Uint8Array) => Uint8Array) {
    this.provider = provider;
    this.outblob = outblob;
  }
  get requests(): number {
    return this.#requests.size;
  }
  async read(path: string, mostBytes: number): Promise<Uint8Array | undefined> {
    const found = this.#find(path);
    if (found === undefined) return undefined;
    const { request, name } = found;
    if (name === "provider") return utf8Bytes(`${this.provider}\n`);
    if (name === "generation") return utf8Bytes(`${request.generation}\n`);
    if (name === "auxblob") return this.auxblob;
    if (name !== "outblob") return undefined;
    this.onRead((bytes) => this.#put(request, bytes));
    const out = this.outblob(request.inblob);
    if (out.length > mostBytes) throw attestationErrors.deviceFailed({ path, problem: "too long" });
    return out;
  }
  async write(path: string, bytes: Uint8Array): Promise<void> {
    const found = this.#find(path);
    if (found?.name !== "inblob") throw noFile(path);
    this.#put(found.request, bytes);
  }
  #put(request: { inblob: Uint8Array; generation: number }, bytes: Uint8Array): void {
    request.inblob = bytes.slice();
    request.generation += 1;
  }
  #find(path: string) {
    const [, folder = "", name = ""] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    const request = this.#requests.get(folder);
    return request === undefined ? undefined : { request, name };
  }
  isFolder = async (path: string): Promise<boolean> => path === tsmRoot;
  async makeFolder(path: string): Promise<void> {
    if (!path.startsWith(`${tsmRoot}/`) || this.#requests.has(path)) throw noFile(path);
    this.#requests.set(path, { inblob: new Uint8Array(0), generation: 0 });
  }
  async removeFolder(path: string): Promise<void> {
    if (!this.#requests.delete(path)) throw noFile(path);
  }
}

/** A machine without any device. */
export const noDevices: Devices = {
  read: async () => undefined,
  write: (path) => Promise.reject(noFile(path)),
  isFolder: async () => false,
  makeFolder: (path) => Promise.reject(noFile(path)),
  removeFolder: (path) => Promise.reject(noFile(path)),
};

/** Intel's service, for the made-up vendor. */
export class FakeService implements Fetcher {
  readonly asked: string[] = [];
  /** Documents are of this time. */
  nowSeconds = atSeconds;
  isDown = false;
  tcbStatus = "UpToDate";
  /** The platform's certificate, for quotes without one. */
  pck = vendor.pck;
  /** In the place of what it would give. */
  instead: Uint8Array | undefined;

  async get(url: string) {
    this.asked.push(url);
    if (this.isDown) throw attestationErrors.notFetched({ url, problem: "HTTP 503" });
    const { bytes, header, signers = [vendor.signer, vendor.root] } = this.#answer(url);
    const chain = encodeURIComponent(pemText(...signers));
    return { bytes: this.instead ?? bytes, headers: new Map(header === "" ? [] : [[header, chain]]) };
  }
  #answer(url: string): {
    readonly bytes: Uint8Array;
    readonly header: string;
    readonly signers?: readonly Uint8Array[];
  } {
    if (url.includes("/sgx/certification/v4/pckcert?")) {
      const bytes = utf8Bytes(pemText(this.pck));
      return { bytes, header: "sgx-pck-certificate-issuer-chain", signers: [vendor.authority, vendor.root] };
    }
    const tee = url.includes("/tdx/") ? "tdx" : "sgx";
    if (url.includes("/tcb?"))
      return { bytes: signed("tcbInfo", this.#tcbInfo(tee)), header: "tcb-info-issuer-chain" };
    if (url.endsWith("/qe/identity")) {
      return {
        bytes: signed("enclaveIdentity", this.#identity(tee)),
        header: "sgx-enclave-identity-issuer-chain",
      };
    }
    if (url.includes("pckcrl")) return { bytes: vendor.authorityList, header: "sgx-pck-crl-issuer-chain" };
    if (url.endsWith("rootcacrl")) return { bytes: utf8Bytes(toHex(vendor.rootList)), header: "" };
    if (url.endsWith("IntelSGXRootCA.der")) return { bytes: vendor.rootList, header: "" };
    throw attestationErrors.notFetched({ url, problem: "HTTP 404" });
  }
  get #dates() {
    const { nowSeconds } = this;
    return { issueDate: isoTime(nowSeconds - 60), nextUpdate: isoTime(nowSeconds + 30 * day) };
  }
  #tcbInfo(tee: string): object {
    const module = { mrsigner: "00".repeat(48), attributes: "00".repeat(8), attributesMask: "FF".repeat(8) };
    const components = (svn: number) => Array.from({ length: 16 }, () => ({ svn }));
    const tdx = tee === "tdx";
    return {
      ...{
        id: tdx ? "TDX" : "SGX",
        version: 3,
        ...this.#dates,
        fmspc: platform.fmspc,
        pceId: platform.pceId,
      },
      ...{ tcbType: 0, tcbEvaluationDataNumber: 17, ...(tdx && { tdxModule: module }) },
      tcbLevels: [
        {
          tcb: {
            ...{ sgxtcbcomponents: components(5), pcesvn: 11 },
            ...(tdx && { tdxtcbcomponents: components(0) }),
          },
          ...{ tcbDate: "2024-06-01T00:00:00Z", tcbStatus: this.tcbStatus },
        },
      ],
    };
  }
  #identity(tee: string): object {
    return {
      ...{ id: tee === "tdx" ? "TD_QE" : "QE", version: 2, ...this.#dates, tcbEvaluationDataNumber: 17 },
      ...{
        miscselect: "00000000",
        miscselectMask: "FFFFFFFF",
        attributes: "05000000000000000000000000000000",
      },
      ...{ attributesMask: "FBFFFFFFFFFFFFFF0000000000000000", mrsigner: "8C".repeat(32), isvprodid: 1 },
      tcbLevels: [{ tcb: { isvsvn: 8 }, tcbDate: "2024-06-01T00:00:00Z", tcbStatus: "UpToDate" }],
    };
  }
}

/** AMD's service, for a made-up AMD. */
export class FakeKeyService implements Fetcher {
  readonly asked: string[] = [];
  readonly #amd: typeof amd;
  readonly #line: string;
  constructor(of = amd, line = "Milan") {
    this.#amd = of;
    this.#line = line;
  }

  async get(url: string) {
    this.asked.push(url);
    return { bytes: this.#answer(url), headers: new Map<string, string>() };
  }
  #answer(url: string): Uint8Array {
    const [, path] = url.split(`/vcek/v1/${this.#line}/`);
    if (path === "cert_chain") return utf8Bytes(pemText(this.#amd.authority, this.#amd.root));
    if (path === "crl") return this.#amd.list([]);
    const chip = `${toHex(this.#amd.chipId)}?blSPL=1&teeSPL=2&snpSPL=6&ucodeSPL=7`;
    if (path === chip) return this.#amd.endorsement();
    throw attestationErrors.notFetched({ url, problem: "HTTP 404" });
  }
}

/** As the service delivers it: the signature is over the text of the object alone. */
function signed(name: string, content: object): Uint8Array {
  const text = JSON.stringify(content);
  const signature = toHex(signP256(utf8Bytes(text), vendor.signerKey));
  return utf8Bytes(`{"${name}":${text},"signature":"${signature}"}`);
}

/** Of a node on a machine with these devices. */
export function needsOf(devices: Devices, change: Partial<AttestationNeeds> = {}): AttestationNeeds {
  return {
    ...{ clock: new SimClock(), random: new SeededRandom("attest"), disk: new SimDisk(), devices },
    ...{ fetcher: new FakeService(), secret: filled(32, 3), program: filled(32, 0x50) },
    ...{ network: { id: networkId, softwareAllowed: true }, ...change },
  };
}
