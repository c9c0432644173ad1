/** Fetching collateral: what is asked of whom, what is kept, and what happens when nobody answers. */
import { HoldfastError, utf8Bytes } from "@holdfast/base";
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { readCollateral, verifyAttestation } from "@holdfast/proofs/attestation";
import { describe, expect, it } from "vitest";
import { intelService, vendorCollateral } from "../../src/attestation/index.ts";
import { limits } from "../../src/limits.ts";
import {
  amd,
  atSeconds,
  FakeKeyService,
  FakeService,
  filled,
  genoa,
  platformId,
  vendor,
  vendorQuote,
} from "./fakes.ts";

const day = 86_400;
const trust = { sgx: [vendor.rootKeyId] };

function world() {
  const [clock, disk, fetcher] = [new SimClock(), new SimDisk(), new FakeService()];
  const needs = { clock, disk, fetcher };
  const nowSeconds = (): number => Math.floor(clock.nowMs() / 1000);
  const judge = async (tee: "sgx" | "tdx" = "sgx", services = {}): Promise<string> => {
    const quote = vendorQuote(tee, filled(64, 1));
    try {
      const files = await vendorCollateral(needs, services).collateralFor(quote, nowSeconds());
      const collateral = readCollateral(files);
      return verifyAttestation({ evidence: quote, collateral, atSeconds: nowSeconds(), trust }).code;
    } catch (error) {
      return error instanceof HoldfastError ? error.code : String(error);
    }
  };
  const pass = async (seconds: number): Promise<void> => {
    await clock.advance(1000 * seconds);
    fetcher.nowSeconds = nowSeconds();
  };
  return { ...needs, judge, pass };
}

describe("collateral", () => {
  it.each(["sgx", "tdx"] as const)(
    "of %s is fetched from four places, and the quote holds by it",
    async (tee) => {
      const { judge, fetcher } = world();
      expect(await judge(tee)).toBe("ok");
      expect(fetcher.asked).toEqual([
        `${intelService}/${tee}/certification/v4/tcb?fmspc=00906ea10000`,
        `${intelService}/${tee}/certification/v4/qe/identity`,
        `${intelService}/sgx/certification/v4/pckcrl?ca=platform&encoding=der`,
        "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der",
      ]);
    },
  );

  it("comes from a caching service of one's own, whose root list is in hex", async () => {
    const { judge, fetcher } = world();
    expect(await judge("sgx", { intel: "https://localhost:8081" })).toBe("ok");
    expect(fetcher.asked.every((url) => url.startsWith("https://localhost:8081/sgx/"))).toBe(true);
    expect(fetcher.asked.at(-1)).toBe("https://localhost:8081/sgx/certification/v4/rootcacrl");
  });

  it.each([1, 2, 3] as const)(
    "begins with the platform's certificate where the quote has its id alone, of type %i",
    async (type) => {
      const { clock, disk, fetcher } = world();
      const source = vendorCollateral({ clock, disk, fetcher });
      for (const tee of ["sgx", "tdx"] as const) {
        const quote = vendorQuote(tee, filled(64, 1), undefined, platformId(type));
        const files = await source.collateralFor(quote, atSeconds);
        const judged = { evidence: quote, atSeconds, trust };
        expect(verifyAttestation({ ...judged, collateral: readCollateral(files) }).code).toBe("ok");
        const without = readCollateral(files.slice(2));
        expect(verifyAttestation({ ...judged, collateral: without }).code).toBe("pck-certificate-missing");
      }
      const ppid = {
        1: "",
        2: `&encrypted_ppid=${"e1".repeat(256)}`,
        3: `&encrypted_ppid=${"e1".repeat(384)}`,
      };
      const rest = `&cpusvn=${"05".repeat(16)}&pcesvn=0b00&pceid=0000`;
      const asked = `${intelService}/sgx/certification/v4/pckcert?qeid=${"00".repeat(16)}${ppid[type]}${rest}`;
      expect(fetcher.asked[0]).toBe(asked);
      expect(fetcher.asked).toHaveLength(7); // 1 + 4 + 2: the platform and the lists are one
    },
  );

  it("says that a certificate that a service has for another platform's key signs nothing here", async () => {
    const { clock, disk, fetcher } = world();
    const quote = vendorQuote("sgx", filled(64, 1), undefined, platformId(3));
    fetcher.pck = vendor.signer;
    const source = vendorCollateral({ clock, disk, fetcher });
    await expect(source.collateralFor(quote, atSeconds)).rejects.toMatchObject({
      code: "attestation/no-platform",
    });
    const cut = vendorQuote("sgx", filled(64, 1), undefined, { type: 3, data: filled(403, 1) });
    await expect(source.collateralFor(cut, atSeconds)).rejects.toMatchObject({
      code: "attestation/no-platform",
    });
  });

  it("is kept half a day, and longer when nobody answers: until the verifier says that it has expired", async () => {
    const { judge, fetcher, pass } = world();
    expect(await judge()).toBe("ok");
    expect([await judge(), fetcher.asked.length]).toEqual(["ok", 4]);
    await pass(limits.collateralFreshMs / 1000 + 1);
    expect([await judge(), fetcher.asked.length]).toEqual(["ok", 8]);
    fetcher.isDown = true;
    await pass(20 * day);
    expect(await judge()).toBe("ok");
    await pass(20 * day);
    expect(await judge()).toBe("tcb-info-expired");
    fetcher.isDown = false;
    expect(await judge()).toBe("ok");
  });

  it("that is not there is told by its address, and what is no collateral is neither used nor kept", async () => {
    const { judge, fetcher, disk } = world();
    fetcher.isDown = true;
    expect(await judge()).toBe("attestation/not-fetched");
    fetcher.isDown = false;
    fetcher.instead = utf8Bytes("<html>a captive portal</html>");
    expect(await judge()).toBe("attestation/bad-collateral");
    expect(await disk.list("collateral")).toEqual([]);
    fetcher.instead = undefined;
    expect(await judge()).toBe("ok");
    fetcher.instead = utf8Bytes("<html>a captive portal</html>");
    expect(await judge()).toBe("ok");
  });

  it("whose kept file was spoiled is fetched again", async () => {
    const { judge, fetcher, disk } = world();
    expect(await judge()).toBe("ok");
    for (const name of await disk.list("collateral"))
      await disk.writeFile(`collateral/${name}`, filled(9, 1));
    expect([await judge(), fetcher.asked.length]).toEqual(["ok", 8]);
  });

  it("says so when a platform was revoked meanwhile", async () => {
    const { judge, fetcher, pass } = world();
    expect(await judge()).toBe("ok");
    fetcher.tcbStatus = "Revoked";
    await pass(day);
    expect(await judge()).toBe("tcb-revoked");
  });

  it("of AMD is asked for by chip and firmware, in the words of its line", async () => {
    const asked: string[] = [];
    const { clock, disk } = world();
    const fetcher = {
      async get(url: string) {
        asked.push(url);
        return {
          bytes: url.endsWith("crl") ? vendor.rootList : vendor.root,
          headers: new Map<string, string>(),
        };
      },
    };
    const source = vendorCollateral({ clock, disk, fetcher }, { amd: "https://kds" });
    const report = (version: number, family: number, model: number): Uint8Array => {
      const bytes = new Uint8Array(1184);
      bytes.set([version], 0);
      bytes.set([1], 0x34);
      bytes.set([9, 8, 7, 0, 0, 0, 6, 5], 0x180);
      bytes.set([family, model], 0x188);
      bytes.set(filled(64, 0xc1), 0x1a0);
      return bytes;
    };
    const chip = "c1".repeat(64);
    await source.collateralFor(report(2, 0, 0), atSeconds);
    await source.collateralFor(report(3, 0x19, 0x11), atSeconds);
    await source.collateralFor(report(5, 0x1a, 2), atSeconds);
    expect(asked).toEqual([
      `https://kds/vcek/v1/Milan/${chip}?blSPL=9&teeSPL=8&snpSPL=6&ucodeSPL=5`,
      "https://kds/vcek/v1/Milan/cert_chain",
      "https://kds/vcek/v1/Milan/crl",
      `https://kds/vcek/v1/Genoa/${chip}?blSPL=9&teeSPL=8&snpSPL=6&ucodeSPL=5`,
      "https://kds/vcek/v1/Genoa/cert_chain",
      "https://kds/vcek/v1/Genoa/crl",
      `https://kds/vcek/v1/Turin/${chip.slice(0, 16)}?fmcSPL=9&blSPL=8&teeSPL=7&snpSPL=0&ucodeSPL=5`,
      "https://kds/vcek/v1/Turin/cert_chain",
      "https://kds/vcek/v1/Turin/crl",
    ]);
  });

  it("of a report that does not say its line comes from the line whose service knows the chip", async () => {
    for (const [line, of] of [["Milan", amd] as const, ["Genoa", genoa] as const]) {
      const { clock, disk } = world();
      const fetcher = new FakeKeyService(of, line);
      const source = vendorCollateral({ clock, disk, fetcher }, { amd: "https://kds" });
      const evidence = of.report({ version: 2 });
      const files = await source.collateralFor(evidence, atSeconds);
      const collateral = readCollateral(files);
      const snp = { [line]: [of.rootKeyId] };
      expect(verifyAttestation({ evidence, collateral, atSeconds, trust: { snp } }).code).toBe("ok");
      const tried = fetcher.asked.filter((url) => url.includes("SPL="));
      expect(tried.map((url) => url.split("/")[5])).toEqual(
        line === "Milan" ? ["Milan"] : ["Milan", "Genoa"],
      );
    }
    const { clock, disk } = world();
    const nobody = vendorCollateral({ clock, disk, fetcher: new FakeKeyService(amd, "none") });
    await expect(nobody.collateralFor(amd.report({ version: 2 }), atSeconds)).rejects.toMatchObject({
      code: "attestation/not-fetched",
      data: { url: expect.stringContaining("/Milan/") },
    });
  });

  it("is asked for by no bytes that are no evidence of hardware", async () => {
    const { clock, disk, fetcher } = world();
    const source = vendorCollateral({ clock, disk, fetcher });
    for (const bytes of [
      new Uint8Array(0),
      utf8Bytes("hello"),
      filled(2_000, 1),
      vendorQuote("sgx", filled(64, 1)).subarray(0, 900),
    ]) {
      await expect(source.collateralFor(bytes, atSeconds)).rejects.toMatchObject({
        code: "attestation/no-platform",
      });
    }
    expect(fetcher.asked).toEqual([]);
  });
});
