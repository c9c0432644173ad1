/** The disk room: the real twin of base's disk seam. */

export { makeFolder } from "./make-folder.ts";
export { readNativeFile } from "./native-source.ts";
export { isPartName, type NodeDisk, type NodeDiskOptions, openNodeDisk } from "./node-disk.ts";
export type { DirectHandle, OpenDirect } from "./uncached-file.ts";
