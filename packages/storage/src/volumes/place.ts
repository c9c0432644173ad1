/**
 * How people write where a volume is: a folder as a path, a bucket as `s3://bucket/prefix?endpoint=…&region=…`.
 * Keys of a bucket are not part of it; they come from the environment, as every tool for buckets takes them.
 */
import { isAbsolute, normalize } from "node:path";
import { volumeErrors } from "./errors.ts";
import type { VolumePlace } from "./types.ts";

/** Where the buckets of a region are when nothing else is said. */
const publicEndpoint = (region: string): string => `https://s3.${region}.amazonaws.com`;
const defaultRegion = "us-east-1";

const bucketName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/; // docs.aws.amazon.com, "Bucket naming rules"
const prefixForm = /^(?:[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*)?$/;

/** Throws storage/bad-volume-place. */
export function parsePlace(
  text: string,
  env: { readonly [name: string]: string | undefined } = {},
): VolumePlace {
  if (text.startsWith("s3://")) return parseBucket(text, env);
  if (isAbsolute(text)) return { kind: "folder", path: withoutSlash(normalize(text)) };
  throw volumeErrors.badVolumePlace({ place: text, reason: "a folder is named by its full path" });
}

export function placeText(place: VolumePlace): string {
  if (place.kind === "folder") return place.path;
  const { bucket, prefix, endpoint, region } = place;
  const query = new URLSearchParams({ endpoint, region });
  return `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}?${query}`;
}

function parseBucket(text: string, env: { readonly [name: string]: string | undefined }): VolumePlace {
  const refuse = (reason: string) => volumeErrors.badVolumePlace({ place: text, reason });
  if (!URL.canParse(text)) throw refuse("it is no address");
  const { host: bucket, pathname, searchParams, username, password } = new URL(text);
  if (username !== "" || password !== "")
    throw refuse("keys belong into the environment, not into the address");
  for (const name of searchParams.keys()) {
    if (name !== "endpoint" && name !== "region") throw refuse(`it has an unknown part "${name}"`);
  }
  const region = searchParams.get("region") ?? env.AWS_REGION ?? defaultRegion;
  const endpoint = searchParams.get("endpoint") ?? env.AWS_ENDPOINT_URL ?? publicEndpoint(region);
  if (!bucketName.test(bucket)) throw refuse(`"${bucket}" is no name of a bucket`);
  const prefix = withoutSlash(pathname.slice(1));
  if (!prefixForm.test(prefix) || prefix.split("/").some((name) => name === "." || name === "..")) {
    throw refuse("its prefix has other signs than letters, digits, dots, dashes and slashes");
  }
  if (!/^[a-z0-9-]{1,64}$/.test(region)) throw refuse(`"${region}" is no region`);
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) throw refuse(`${endpoint} is no server`);
  return { kind: "s3", endpoint: new URL(endpoint).origin, region, bucket, prefix };
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
