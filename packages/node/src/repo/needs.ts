/** What the repo needs from others: nothing; it is the ground that `compose.ts` starts from. */
export type RepoNeeds = Record<never, never>;
