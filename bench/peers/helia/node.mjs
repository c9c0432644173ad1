/**
 * A helia node that does what it is told by lines of JSON: add a file, get a CID from a peer. It listens on loopback
 * and talks to nobody by itself.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { noise } from "@chainsafe/libp2p-noise";
import { yamux } from "@chainsafe/libp2p-yamux";
import { bitswap } from "@helia/block-brokers";
import { unixfs } from "@helia/unixfs";
import { identify } from "@libp2p/identify";
import { tcp } from "@libp2p/tcp";
import { multiaddr } from "@multiformats/multiaddr";
import { FsBlockstore } from "blockstore-fs";
import { MemoryDatastore } from "datastore-core";
import { createHelia } from "helia";
import { CID } from "multiformats/cid";

const helia = await createHelia({
  blockstore: new FsBlockstore(process.argv[2]),
  datastore: new MemoryDatastore(),
  blockBrokers: [bitswap()],
  routers: [],
  libp2p: {
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    peerDiscovery: [],
    services: { identify: identify() },
  },
});
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
