/**
 * The key to the API. It arrives in the fragment of the page's address, which no browser sends anywhere,
 * is taken out of the address bar at once, and is kept for this tab only.
 */

/** The parts of `window` that hold it. */
export interface TokenPlaces {
  readonly location: { readonly hash: string; readonly pathname: string };
  readonly history: { replaceState(data: null, unused: string, url: string): void };
  readonly storage: {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
  };
}

const storageKey = "holdfast-token";
const shape = /^[\w.~-]{1,256}$/;

/** The token of the address if there is one, else that of this tab. */
export function takeToken(places: TokenPlaces): string | undefined {
  const { location, history, storage } = places;
  if (location.hash.startsWith("#token=")) {
    const given = location.hash.slice("#token=".length);
    history.replaceState(null, "", location.pathname);
    if (shape.test(given)) storage.setItem(storageKey, given);
  }
  return storage.getItem(storageKey) ?? undefined;
}

/** A token that a person typed or pasted, also inside the whole link. */
export function keepToken({ storage }: TokenPlaces, text: string): string | undefined {
  const given = text.trim().replace(/^.*#token=/, "");
  if (!shape.test(given)) return undefined;
  storage.setItem(storageKey, given);
  return given;
}

export function forgetToken({ storage }: TokenPlaces): void {
  storage.removeItem(storageKey);
}
