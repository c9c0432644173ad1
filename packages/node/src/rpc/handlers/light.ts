/** Methods for light clients. What they are told is the same as over the wire; here it is JSON. */
import type { ApiHandlers, MethodParams } from "@holdfast/api";
import { toBase64 as base64, type ChannelId, encode, type SectorId } from "@holdfast/base";
import { blockHeaderCodec, type LightQuestion } from "@holdfast/consensus";
import type { HandlerNeeds } from "../needs.ts";
import { addressParam } from "./params.ts";
import { cidOf } from "./views.ts";

type LightHandlers = Pick<ApiHandlers, "light.headers" | "light.prove">;

export function lightHandlers(needs: HandlerNeeds): LightHandlers {
  const { light } = needs;
  return {
    "light.headers": async ({ from, limit }) => {
      const { state, tipsets } = light.headers({ from: from.map(cidOf), count: limit });
      const texts = tipsets.map((headers) =>
        headers.map((header) => base64(encode(blockHeaderCodec, header))),
      );
      return { state, tipsets: texts };
    },
    "light.prove": async ({ stateRoot, question }) => {
      const { state, witness } = light.prove({
        state: cidOf(stateRoot),
        question: questionOf(needs, question),
      });
      return { state, objects: witness.map(base64) };
    },
  };
}

function questionOf(needs: HandlerNeeds, asked: MethodParams<"light.prove">["question"]): LightQuestion {
  const address = (text: string) => addressParam(needs, text);
  switch (asked.kind) {
    case "rules":
    case "power":
      return { kind: asked.kind };
    case "electorate":
      return { kind: asked.kind, miners: asked.miners.map(address) };
    case "actor":
    case "miner":
      return { kind: asked.kind, address: address(asked.address) };
    case "sector":
      return { kind: asked.kind, miner: address(asked.miner), sector: asked.sector as SectorId };
    case "deal":
      return { kind: asked.kind, client: address(asked.client), channel: asked.channel as ChannelId };
    case "channel":
      return { kind: asked.kind, payer: address(asked.payer), channel: asked.channel as ChannelId };
    case "escrow":
      return { kind: asked.kind, party: address(asked.party) };
  }
}
