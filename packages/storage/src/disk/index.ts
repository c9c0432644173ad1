/** The disk room: the real twin of base's disk seam. */

export { makeFolder } from "./make-folder.ts";
export { readNativeFile } from "./native-source.ts";
export { isPartName, type NodeDisk, openNodeDisk } from "./node-disk.ts";
