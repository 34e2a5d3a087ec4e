/** What this process holds, as it sees itself: for soaks, and for whoever hunts a leak. Effects: reads the process; collects garbage if asked. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface ResourceUsage {
  /** By kind, as Node calls them: `Timeout`, `TCPSocketWrap`, `PipeWrap`, … Only what keeps the process alive. */
  readonly resources: Readonly<Record<string, number>>;
  readonly heapUsedBytes: number;
  readonly residentBytes: number;
}

/** With `collect` the heap is what is really in use; that takes some ten milliseconds. */
export function resourceUsage(collect: boolean): ResourceUsage {
  if (collect) {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
  }
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const { heapUsed, rss } = process.memoryUsage();
  return { resources, heapUsedBytes: heapUsed, residentBytes: rss };
}
