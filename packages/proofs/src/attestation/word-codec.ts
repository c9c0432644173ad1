/** A word out of a list that only grows, as its place in the list. */
import { type Codec, c } from "@holdfast/base";

export function wordCodec<const Word extends string>(name: string, words: readonly Word[]): Codec<Word> {
  const place = c.uint(words.length - 1);
  return {
    name,
    toCbor: (word) => place.toCbor(words.indexOf(word)),
    fromCbor: (value, path) => words[place.fromCbor(value, path)] as Word,
  };
}
