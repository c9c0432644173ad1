/** Work that is started before its turn, so that a disk or a network is busy while earlier results are used. */

/** The results in their order; at most `count` tasks run or wait for the consumer. */
export async function* inAdvance<T>(
  tasks: AsyncIterable<() => Promise<T>> | Iterable<() => Promise<T>>,
  count: number,
): AsyncGenerator<T, void, undefined> {
  const started: Promise<T>[] = [];
  for await (const task of tasks) {
    const result = task();
    result.catch(() => undefined); // looked at when its turn comes; the consumer may have left by then
    const first = started.push(result) >= count ? started.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const result of started) yield await result;
}
