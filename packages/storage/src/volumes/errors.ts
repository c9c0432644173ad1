/** What can go wrong with volumes; codes of the storage's family. */
import { defineErrors } from "@holdfast/base";

export const volumeErrors = defineErrors("storage", {
  badVolumePlace: {
    exit: "usage",
    message: (data: { place: string; reason: string }) =>
      `${data.place} is no place for a volume: ${data.reason}`,
    fix: "name a folder by its full path, or a bucket as s3://BUCKET/PREFIX?endpoint=https://SERVER",
  },
  volumeAway: {
    exit: "retry-later",
    message: (data: { place: string; volumeId: number; reason: string }) =>
      `volume ${data.volumeId} (${data.place}) is away: ${data.reason}`,
    fix: "mount the disk or reach the server again; what lies there is found by itself",
  },
  unknownVolume: {
    exit: "not-found",
    message: (data: { volume: string }) => `there is no volume ${data.volume}`,
    fix: "list the volumes with `holdfast storage ls`",
  },
  volumeTaken: {
    exit: "refused",
    message: (data: { place: string; reason: string }) => `${data.place} cannot be attached: ${data.reason}`,
    fix: "name an empty folder of its own, on the disk that is to be used",
  },
  volumeHome: {
    exit: "refused",
    message: (data: { place: string }) => `${data.place} is the storage's own folder and stays`,
    fix: "to have nothing on it, attach another volume and then `holdfast storage drain 0`",
  },
  volumeInUse: {
    exit: "refused",
    message: (data: { place: string; files: number; bytes: number }) =>
      `${data.files} files (${data.bytes} bytes) lie on ${data.place}`,
    fix: "move them away first with `holdfast storage drain`",
  },
  volumeKeysMissing: {
    exit: "usage",
    message: (data: { place: string }) => `no keys for ${data.place}`,
    fix: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, if there is one)",
  },
  volumeRefused: {
    exit: "refused",
    message: (data: { place: string; status: number; reason: string }) =>
      `${data.place} refuses: ${data.reason} (${data.status})`,
    fix: "check the keys, the bucket's name and what they are allowed to do with it",
  },
  badCopy: {
    exit: "internal",
    message: (data: { from: string; to: string }) => `the copy of ${data.from} at ${data.to} differs from it`,
    fix: "check both disks (dmesg, SMART); the file stays where it was",
  },
  noVolume: {
    exit: "retry-later",
    message: (data: { neededBytes: number; role: string; reasons: string }) =>
      `no volume has ${data.neededBytes} bytes to ${data.role} (${data.reasons})`,
    fix: "attach another disk with `holdfast storage attach`, or free space",
  },
});
