/** What offline work needs of whoever asks for it: a sign that it may end, and somebody to tell how far it is. */
export interface WorkHooks {
  readonly signal?: AbortSignal;
  /** The share that is done, from 0 to 1, never falling. */
  progress?(doneRatio: number): void;
}
