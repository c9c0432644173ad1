/**
 * What a file is called on the web: by the ending of its name, else by its first bytes. Browsers are told not to guess
 * themselves, so that what is no page is never run as one.
 */
import { extname } from "node:path/posix";

const byEnding: { readonly [ending: string]: string } = {
  html: "text/html; charset=utf-8",
  htm: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  json: "application/json",
  map: "application/json",
  webmanifest: "application/manifest+json",
  wasm: "application/wasm",
  txt: "text/plain; charset=utf-8",
  md: "text/markdown; charset=utf-8",
  csv: "text/csv; charset=utf-8",
  xml: "text/xml; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  ico: "image/x-icon",
  bmp: "image/bmp",
  mp3: "audio/mpeg",
  ogg: "audio/ogg",
  flac: "audio/flac",
  wav: "audio/wav",
  m4a: "audio/mp4",
  mp4: "video/mp4",
  m4v: "video/mp4",
  mov: "video/quicktime",
  webm: "video/webm",
  mkv: "video/x-matroska",
  woff: "font/woff",
  woff2: "font/woff2",
  ttf: "font/ttf",
  otf: "font/otf",
  pdf: "application/pdf",
  epub: "application/epub+zip",
  zip: "application/zip",
  gz: "application/gzip",
  tar: "application/x-tar",
  "7z": "application/x-7z-compressed",
  car: "application/vnd.ipld.car",
};

const magics: readonly (readonly [string, string])[] = [
  ["89504e470d0a1a0a", "image/png"],
  ["ffd8ff", "image/jpeg"],
  ["47494638", "image/gif"],
  ["25504446", "application/pdf"],
  ["504b0304", "application/zip"],
  ["1f8b", "application/gzip"],
  ["0061736d", "application/wasm"],
  ["494433", "audio/mpeg"],
  ["4f676753", "audio/ogg"],
  ["664c6143", "audio/flac"],
  ["1a45dfa3", "video/webm"],
  ["774f4632", "font/woff2"],
];

/** Bytes that are looked at. */
export const sniffBytes = 512;

/** Of a file of so many bytes, by its name and how it begins. */
export function mediaType(name: string, head: Uint8Array, sizeBytes: number): string {
  const ending = extname(name).slice(1).toLowerCase();
  const known = Object.hasOwn(byEnding, ending) ? byEnding[ending] : undefined;
  if (known !== undefined) return known;
  const bytes = Buffer.from(head.subarray(0, sniffBytes));
  const hex = bytes.subarray(0, 16).toString("hex");
  for (const [magic, type] of magics) if (hex.startsWith(magic)) return type;
  if (hex.startsWith("52494646") && hex.slice(16, 24) === "57454250") return "image/webp";
  if (hex.slice(8, 16) === "66747970") return "video/mp4";
  if (bytes.some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27)))
    return "application/octet-stream";
  const text = bytes.toString("utf8").trimStart().toLowerCase();
  if (/^(<!doctype html|<html|<head|<body)/.test(text)) return "text/html; charset=utf-8";
  if (/^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<svg/s.test(text)) return "image/svg+xml";
  if (text.startsWith("<?xml")) return "text/xml; charset=utf-8";
  if (isJson(text, head.length >= sizeBytes)) return "application/json";
  return "text/plain; charset=utf-8";
}

/** A map or list; of one that goes on, how maps begin must do. */
function isJson(text: string, isWhole: boolean): boolean {
  if (!/^\[?\s*[{[]/.test(text)) return false;
  if (!isWhole) return /^\[?\s*\{\s*"([^"\\]|\\.)*"\s*:/.test(text);
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
