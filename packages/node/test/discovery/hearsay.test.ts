/** Which addresses are dialled that other peers have named: as far as those stand themselves, and no further in. */
import { describe, expect, it } from "vitest";
import { believable } from "../../src/discovery/hearsay.ts";
import { realmOf } from "../../src/ip-ranges.ts";

describe("addresses that others name", () => {
  const everywhere = [
    ...["/ip4/8.8.8.8/tcp/1", "/ip6/2606:4700::1111/tcp/1", "/dns4/node.example.org/tcp/1"],
    ...["/ip4/10.0.0.1/tcp/22", "/ip4/192.168.1.1/tcp/80", "/ip6/fd00::1/tcp/1", "/dns4/db.internal/tcp/1"],
    ...[
      "/ip4/169.254.169.254/tcp/80",
      "/ip4/100.64.0.1/tcp/1",
      "/dns/router/tcp/80",
      "/dns4/x.home.arpa/tcp/1",
    ],
    ...["/ip4/127.0.0.1/tcp/5001", "/ip6/::1/tcp/1", "/ip6/::ffff:127.0.0.1/tcp/1", "/dns4/localhost/tcp/1"],
    ...[
      "/ip4/0.0.0.0/tcp/1",
      "/ip4/224.0.0.251/tcp/1",
      "/ip4/255.255.255.255/tcp/1",
      "/unix/run",
      "nonsense",
    ],
  ];
  it("are believed as far as whoever names them stands: from the Internet, the local network, this machine", () => {
    const from = (teller: string): number => believable(everywhere, teller).length;
    expect(believable(everywhere, "/ip4/1.2.3.4/tcp/5/p2p/x")).toEqual(everywhere.slice(0, 3));
    expect(from("/ip4/192.168.1.7/tcp/5")).toBe(12);
    expect(believable(everywhere, "/ip4/10.1.1.1/tcp/5")).not.toContain("/ip4/127.0.0.1/tcp/5001");
    expect(from("/ip4/127.0.0.1/tcp/5")).toBe(15);
    expect(believable(everywhere, undefined)).toBe(everywhere);
    expect(from("/nonsense")).toBe(0); // nowhere
  });
  it("of every special range are of no other realm than the registry says", () => {
    expect(["1.1.1.1", "172.32.0.1", "100.128.0.1", "2a00::1"].map(realmOf)).toEqual(Array(4).fill("public"));
    expect(["172.31.255.255", "100.127.0.1", "fe80::1%eth0", "::ffff:10.0.0.1"].map(realmOf)).toEqual(
      Array(4).fill("local"),
    );
    expect(["127.9.9.9", "::ffff:7f00:1"].map(realmOf)).toEqual(["machine", "machine"]);
    expect(["0.0.0.1", "239.1.1.1", "ff02::1", "", "x"].map(realmOf)).toEqual(Array(5).fill("none"));
  });
});
