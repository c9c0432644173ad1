/** Collateral by the platform that evidence says it is of: from Intel, from AMD, from the network's own authority. */
import { HoldfastError } from "@holdfast/base";
import { type EvidencePlatform, intelPlatformOf, platformOf } from "@holdfast/proofs/attestation";
import { amdCollateral, amdService } from "./amd-service.ts";
import { attestationErrors } from "./errors.ts";
import { intelCollateral, intelService, pckCertificates } from "./intel-service.ts";
import type { DocumentNeeds } from "./kept-documents.ts";
import type { CollateralSource } from "./types.ts";

export interface Services {
  /** Without a slash at the end; a PCCS has the same paths. Default: Intel's. */
  readonly intel?: string;
  /** Default: AMD's. */
  readonly amd?: string;
}

/** Of hardware; evidence by software brings its own and is none here (`attestation/no-platform`). */
export function vendorCollateral(needs: DocumentNeeds, services: Services = {}): CollateralSource {
  return {
    async collateralFor(evidence, _atSeconds, signal) {
      const platform = found(() => platformOf(evidence));
      const intel = services.intel ?? intelService;
      if (platform.vendor === "intel") return await intelCollateral(needs, intel, platform, signal);
      if (platform.vendor === "intel, uncertified") {
        const certificates = await pckCertificates(needs, intel, platform, signal);
        const certified = found(() => intelPlatformOf(evidence, certificates));
        return [...certificates, ...(await intelCollateral(needs, intel, certified, signal))];
      }
      if (platform.vendor === "amd")
        return await amdCollateral(needs, services.amd ?? amdService, platform, signal);
      throw attestationErrors.noPlatform({ problem: "it was made by software" });
    },
  };
}

function found<Platform extends EvidencePlatform>(read: () => Platform): Platform {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof HoldfastError)) throw cause;
    throw attestationErrors.noPlatform({ problem: cause.message }, cause);
  }
}
