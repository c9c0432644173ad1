/** The OpenAPI 3.1 text of the method table: generated, so that it cannot disagree with the code. */
import { z } from "zod";
import { errorBody, filePath, imported, importPath, methodPath } from "./http.ts";
import { methods } from "./methods.ts";

function jsonSchema(schema: z.ZodType, io: "input" | "output"): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}

export function openApiDocument(version: string): object {
  const failure = {
    description: "What failed, why, and the fix",
    content: { "application/json": { schema: jsonSchema(errorBody, "output") } },
  };
  const paths: Record<string, object> = {};
  for (const [name, spec] of Object.entries(methods)) {
    const type = spec.stream ? "application/x-ndjson" : "application/json";
    paths[methodPath(name)] = {
      post: {
        operationId: name,
        summary: spec.summary,
        requestBody: { content: { "application/json": { schema: jsonSchema(spec.params, "input") } } },
        responses: {
          200: { description: "ok", content: { [type]: { schema: jsonSchema(spec.result, "output") } } },
          default: failure,
        },
      },
    };
  }
  paths[importPath] = {
    post: {
      operationId: "import",
      summary:
        "Takes a file's bytes in as UnixFS blocks, encrypted if that is wanted, or laid out as `ipfs add` does",
      parameters: [
        { name: "encrypt", in: "query", required: false, schema: { type: "string", enum: ["1"] } },
        { name: "sha256", in: "query", required: false, schema: { type: "string" } },
        { name: "recipients", in: "query", required: false, schema: { type: "string" } },
        { name: "cidVersion", in: "query", required: false, schema: { type: "string", enum: ["0", "1"] } },
        { name: "rawLeaves", in: "query", required: false, schema: { type: "string", enum: ["0", "1"] } },
        { name: "chunkBytes", in: "query", required: false, schema: { type: "integer", minimum: 1 } },
      ],
      requestBody: {
        content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
      },
      responses: {
        200: {
          description: "ok",
          content: { "application/json": { schema: jsonSchema(imported, "output") } },
        },
        default: failure,
      },
    },
  };
  paths[filePath("{cid}").replace("%7Bcid%7D", "{cid}")] = {
    get: {
      operationId: "file",
      summary: "The verified bytes of a file, from an offset on",
      parameters: [
        { name: "cid", in: "path", required: true, schema: { type: "string" } },
        { name: "offset", in: "query", required: false, schema: { type: "integer", minimum: 0 } },
        { name: "length", in: "query", required: false, schema: { type: "integer", minimum: 0 } },
        { name: "path", in: "query", required: false, schema: { type: "string" } },
        { name: "raw", in: "query", required: false, schema: { type: "string", enum: ["1"] } },
      ],
      responses: {
        200: { description: "ok", content: { "application/octet-stream": {} } },
        default: failure,
      },
    },
  };
  return {
    openapi: "3.1.0",
    info: { title: "Holdfast node", version },
    components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
    security: [{ token: [] }],
    paths,
  };
}
