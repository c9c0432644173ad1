/** Where records may be moved to. */

import { methods } from "@holdfast/api";
import { describe, expect, it } from "vitest";

describe("the method that moves a miner's records", () => {
  const { params } = methods["storage.migrate"];
  it.each(["files", "postgres://u@h/d?schema=s", "postgresql://h/d"])("takes %s", (to) => {
    expect(params.safeParse({ to }).success).toBe(true);
  });
  it.each(["", "files ", "/tmp/elsewhere.db", "mysql://h/d", " postgres://h/d"])(
    "refuses %j before anything has moved",
    (to) => {
      expect(params.safeParse({ to }).success).toBe(false);
    },
  );
});
