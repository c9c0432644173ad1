/** Errors of parameter files and of the lists that name them. */
import { defineErrors } from "@holdfast/base";

export const parametersErrors = defineErrors("parameters", {
  badCircuitId: {
    exit: "usage",
    message: (data: { id: string }) => `"${data.id}" is no circuit id`,
    fix: "a circuit id is a name of lower-case letters, digits and hyphens, then its shape in braces",
  },
  malformedMeta: {
    exit: "usage",
    message: (data: { reason: string }) => `this is no .meta file of parameters: ${data.reason}`,
    fix: "fetch or make the parameters again",
  },
  malformedManifest: {
    exit: "usage",
    message: (data: { reason: string }) => `this is no parameters.json: ${data.reason}`,
    fix: "correct the file, or take the one of the release",
  },
});
