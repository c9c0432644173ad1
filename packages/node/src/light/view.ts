/** What a light client believes and why, as plain facts. */
import type { ProviderReport } from "@holdfast/consensus";
import { type LightFile, trustOf } from "./file.ts";

export interface LightView {
  readonly network: string;
  readonly genesis: string;
  /** Where it began: `genesis`, or a checkpoint. */
  readonly anchor: string;
  readonly trusted: {
    readonly height: number;
    readonly cids: string[];
    readonly stateRoot: string;
    readonly timestampMs: number;
  };
  /** Null: it is where it began. */
  readonly because: {
    /** Epochs between it and the newest signed tipset above it, when it was found. */
    readonly depth: number;
    readonly finalityEpochs: number;
    readonly signers: number;
    readonly signedPowerBytes: string;
    readonly totalPowerBytes: string;
  } | null;
  /** The newest tipset that was seen; the network may still leave it. */
  readonly newest: { readonly height: number; readonly timestampMs: number };
  readonly checkedMs: number;
  readonly providers: ProviderReport[];
}

/** Errors `light/bad-file`. */
export function lightView(file: LightFile, path: string, providers: readonly ProviderReport[]): LightView {
  const { trusted, basis } = trustOf(file, path);
  const { tipset, state } = trusted;
  return {
    network: file.network,
    genesis: file.genesis,
    anchor: file.anchor,
    trusted: {
      height: tipset.height,
      cids: tipset.cids.map(String),
      stateRoot: state.toString(),
      timestampMs: tipset.blocks[0]?.timestampMs ?? 0,
    },
    because:
      basis === undefined
        ? null
        : {
            depth: basis.topHeight - tipset.height,
            finalityEpochs: file.finalityEpochs,
            signers: basis.signers,
            signedPowerBytes: basis.signedPower.toString(),
            totalPowerBytes: basis.totalPower.toString(),
          },
    newest: file.top,
    checkedMs: file.savedMs,
    providers: [...providers],
  };
}
