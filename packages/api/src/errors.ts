/** Errors of the API itself, on either side of the wire. */
import { defineErrors } from "@holdfast/base";

export const apiErrors = defineErrors("api", {
  unreachable: {
    exit: "network",
    message: (data: { url: string; detail: string }) => `no node answers at ${data.url}: ${data.detail}`,
    fix: "start a node (`holdfast up` or `holdfast daemon`), or name one with --api or --repo",
  },
  unauthorized: {
    exit: "refused",
    message: (data: { url: string }) => `the node at ${data.url} does not accept this token`,
    fix: "use the token in the node's repo (file `token`), with --token or HOLDFAST_TOKEN",
  },
  badParams: {
    exit: "usage",
    message: (data: { method: string; problems: string }) => `${data.method}: ${data.problems}`,
    fix: "see the parameters of the method in /openapi.json",
  },
  unknownMethod: {
    exit: "usage",
    message: (data: { method: string }) => `the API has no method ${data.method}`,
    fix: "see the methods in /openapi.json; the client may be newer than the node",
  },
  badAnswer: {
    exit: "network",
    message: (data: { method: string; detail: string }) =>
      `the answer to ${data.method} is not understood: ${data.detail}`,
    fix: "check that client and node are of the same version",
  },
  badFolder: {
    exit: "usage",
    message: (data: { path: string; reason: string }) => `${data.path}: ${data.reason}`,
    fix: "send a tar stream of files, folders and symbolic links; leave out what is none of them",
  },
  streamCut: {
    exit: "retry-later",
    message: (data: { method: string }) => `the connection ended in the middle of ${data.method}`,
    fix: "run the command again: what was done is kept",
  },
  internal: {
    exit: "internal",
    message: (data: { detail: string }) => `the node failed: ${data.detail}`,
    fix: "see the node's log; this is a bug",
  },
});
