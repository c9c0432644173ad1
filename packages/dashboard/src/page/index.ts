/**
 * The page without a browser: what it knows, how it asks, what it shows. main.ts joins these to a window;
 * tests join them to a clock and a node of their own.
 */
export { type Answer, type Failure, openApi, type PageApi, unreachable } from "./api.ts";
export { commandLine, getLine, isPasteable, shellWord } from "./command-lines.ts";
export { startLive } from "./live.ts";
export * from "./model.ts";
export { type Pace, type PaceClock, startPace } from "./pace.ts";
export * from "./texts.ts";
export { forgetToken, keepToken, type TokenPlaces, takeToken } from "./token.ts";
export { page } from "./views/page.ts";
export type { Actions } from "./views/parts.ts";
