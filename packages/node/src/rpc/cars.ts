/** CAR files on the API: in as they come, out as they are read. */
import { Readable } from "node:stream";
import { carImportPath, carPath, carType, dealDataPath } from "@holdfast/api";
import type { FastifyInstance, FastifyReply } from "fastify";
import { rpcErrors } from "./errors.ts";
import type { CarDoor } from "./needs.ts";

/** `signalOf` aborts when the node stops or the caller is gone. */
export function addCars(
  app: FastifyInstance,
  cars: CarDoor,
  signalOf: (reply: FastifyReply) => AbortSignal,
): void {
  app.addContentTypeParser(carType, (_request, payload, done) => done(null, payload));
  app.post(carImportPath, { bodyLimit: Number.MAX_SAFE_INTEGER }, async (request, reply) => {
    const { body } = request;
    if (!(body instanceof Readable)) throw rpcErrors.notBytes({});
    return cars.importCar(body, signalOf(reply));
  });
  app.post<{ Params: { dealId: string } }>(
    decodeURIComponent(dealDataPath(":dealId")),
    { bodyLimit: Number.MAX_SAFE_INTEGER },
    async (request, reply) => {
      const { body } = request;
      if (!(body instanceof Readable)) throw rpcErrors.notBytes({});
      return cars.bringData(request.params.dealId, body, signalOf(reply));
    },
  );
  app.get<{ Params: { cid: string }; Querystring: { version?: string } }>(
    decodeURIComponent(carPath(":cid")),
    async (request, reply) => {
      const version = request.query.version === "2" ? 2 : 1;
      const { bytes } = await cars.openCar(request.params.cid, version, signalOf(reply));
      return reply.header("content-type", `${carType}; version=${version}`).send(Readable.from(bytes));
    },
  );
}
