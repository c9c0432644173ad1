/**
 * A helia node that does what it is told by lines of JSON: add a file, get a CID from a peer. It listens on loopback
 * and talks to nobody by itself.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { withBitswap } from "@helia/bitswap";
import { withLibp2pLight } from "@helia/libp2p";
import { unixfs } from "@helia/unixfs";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { FsBlockstore } from "blockstore-fs";
import { MemoryDatastore } from "datastore-core";
import { createHeliaLight } from "helia";
import { CID } from "multiformats/cid";

const light = createHeliaLight({
  blockstore: new FsBlockstore(process.argv[2]),
  datastore: new MemoryDatastore(),
});
const helia = withBitswap(
  withLibp2pLight(light, {
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  }),
);
await helia.start();
const files = unixfs(helia);
const say = (value) => console.log(JSON.stringify(value));
say({ addresses: helia.libp2p.getMultiaddrs().map(String) });
for await (const line of createInterface({ input: process.stdin })) {
  const { add, get, from } = JSON.parse(line);
  const startedMs = performance.now();
  try {
    if (add !== undefined) {
      const cid = await files.addByteStream(createReadStream(add, { highWaterMark: 1_048_576 }));
      say({ cid: cid.toString(), ms: performance.now() - startedMs });
    } else {
      await helia.libp2p.dial(multiaddr(from));
      let bytes = 0;
      for await (const part of files.cat(CID.parse(get))) bytes += part.length;
      say({ bytes, ms: performance.now() - startedMs });
    }
  } catch (error) {
    say({ problem: String(error) });
  }
}
await helia.stop();
