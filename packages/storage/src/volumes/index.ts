/** The volumes room: places for files of sectors, and all of them as one disk. */
export { volumeErrors } from "./errors.ts";
export { volumeLimits } from "./limits.ts";
export { markedDisk, markerFile, readMarker, whyAway, writeMarker } from "./marked.ts";
export { copyFile, mountVolumes, namesIn, placeOfVolume, type VolumeDisk } from "./mounts.ts";
export {
  checkPlace,
  openPlace,
  openVolumesHere,
  openVolumeTable,
  reachVolume,
  removeScratch,
  spoolFolder,
  type VolumeOpening,
} from "./open.ts";
export { parsePlace, placeText } from "./place.ts";
export { type Choice, chooseVolume, roomBytes, type VolumeRoom } from "./placement.ts";
export { BucketClient } from "./s3/client.ts";
export { openBucketDisk } from "./s3/disk.ts";
export { type BucketKeys, encodeKey, signBucketRequest } from "./s3/sign.ts";
export {
  homeSpec,
  homeVolumeId,
  locate,
  pathOn,
  type VolumeMode,
  type VolumePlace,
  type VolumeRole,
  type VolumeSpec,
  type VolumeTable,
  volumeModes,
  volumeRoles,
} from "./types.ts";
