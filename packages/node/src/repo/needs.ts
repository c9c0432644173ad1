/** What a repo needs from its surroundings: a folder of the operating system, and nothing else. */
export interface RepoNeeds {
  /** Path of the folder. */
  readonly root: string;
}
