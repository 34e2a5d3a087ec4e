/** Effects: reads what this process holds, for soak tests and leak hunts; collects garbage if asked. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface ResourceUsage {
  /** Count by kind, as `process.getActiveResourcesInfo` names them: `Timeout`, `TCPSocketWrap`, … */
  readonly resources: Readonly<Record<string, number>>;
  readonly heapUsedBytes: number;
  readonly residentBytes: number;
}

/** With `collect` garbage is collected first, which takes about 10 ms. */
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
