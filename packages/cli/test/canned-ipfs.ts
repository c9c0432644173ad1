/** What a canned node says of other programs of IPFS, and a CAR file. */
import type { ImportedCar, MethodResult } from "@holdfast/api";

const peerId = "12D3KooWNRgiFRiyixcVhNBwhQjyzGqwG9Uvgis3TPtFBvBNM7gr";

export const ipfsStatus: MethodResult<"ipfs.status"> = {
  peerId,
  addresses: [`/ip4/127.0.0.1/tcp/6000/p2p/${peerId}`],
  gateway: {
    url: "http://127.0.0.1:3480",
    plain: true,
    fetch: true,
    requests: 12,
    running: 0,
    sentBytes: 2_000_000,
  },
  swap: { servedBlocks: 3, servedBytes: 700_000, receivedBlocks: 0, receivedBytes: 0, links: 0 },
};

export const pullLines = (cid: string): MethodResult<"ipfs.pull">[] => [
  { cid, fetchedBlocks: 1, fetchedBytes: 100, totalBytes: 700_000, made: null },
  {
    cid,
    fetchedBlocks: 4,
    fetchedBytes: 700_100,
    totalBytes: 700_000,
    made: { sizeBytes: 700_000, carBytes: 700_400 },
  },
];

export const importedCarOf = (cid: string, carBytes: number): ImportedCar => ({
  version: 1,
  roots: [{ cid, sizeBytes: 700_000, carBytes }],
  blocks: 4,
  leftOut: 0,
});

/** A CAR of version 1 with one raw block of the bytes "hello". */
export const helloCar = Buffer.from(
  "3aa265726f6f747381d82a58250001551220" +
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" +
    "6776657273696f6e01" +
    "29" +
    "01551220" +
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" +
    "68656c6c6f",
  "hex",
);
