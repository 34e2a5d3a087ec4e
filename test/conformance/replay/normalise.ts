/** What may differ between two runs of the same engine: ids, times, addresses, ports, process ids. Everything else stays as it was said. Pure. */

/** Ids of this run by what the script calls them. */
export type Known = ReadonlyMap<string, string>;

/** Go gives these in the order of a map, which is none. */
const UNORDERED = new Set([
  'Mounts',
  'Ports',
  'Aliases',
  'DNSNames',
  'RepoTags',
  'RepoDigests',
  'NetworkIDs',
  'Warnings',
  'Binds',
  'ExecIDs',
]);
/** Numbers that tell of the moment. A zero is a claim and stays. */
const MOMENT = new Set([
  'Created',
  'Pid',
  'time',
  'timeNano',
  'SizeRw',
  'SizeRootFs',
  'Size',
  'SharedSize',
  'VirtualSize',
  'LayersSize',
  'LastTagTime',
  'NFd',
  'NGoroutines',
  'NEventsListener',
  'UsageCount',
  'LastUpdatedAt',
  'Ctime',
  'mtime',
  'ExecPid',
]);

/** Engines of local hosts choose published ports from here on (src/local-hosts/hosts.ts); the script's own are below. */
const FIRST_RANDOM_PORT = 20_000;

export function normalise(value: unknown, known: Known, key = ''): unknown {
  if (typeof value === 'string') return text(value, known, key);
  if (typeof value === 'number')
    return (MOMENT.has(key) && value > 0) || (key === 'PublicPort' && value >= FIRST_RANDOM_PORT) ? '<number>' : value;
  if (Array.isArray(value)) {
    const all = tiesById(value).map((one) => normalise(one, known, key));
    return UNORDERED.has(key) ? all.sort((a, b) => compareText(JSON.stringify(a), JSON.stringify(b))) : all;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, one]) => [text(name, known, ''), normalise(one, known, name)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => compareText(a, b)));
}

/** An Engine lists images by the second in which they were made; those of one second it gives in the order of a map. */
function tiesById(list: readonly unknown[]): readonly unknown[] {
  const ordered = [...list];
  for (let from = 0; from < ordered.length; from += 1) {
    const made = createdOf(ordered[from]);
    if (made === undefined) continue;
    let to = from + 1;
    while (createdOf(ordered[to]) === made) to += 1;
    const ties = ordered.slice(from, to) as { readonly Id: string }[];
    ordered.splice(from, ties.length, ...ties.sort((a, b) => compareText(a.Id, b.Id)));
    from = to - 1;
  }
  return ordered;
}

function createdOf(one: unknown): number | undefined {
  const { Created, RepoTags, Id } = (one ?? {}) as { readonly Created?: unknown; readonly RepoTags?: unknown; readonly Id?: unknown };
  return typeof Created === 'number' && RepoTags !== undefined && typeof Id === 'string' ? Created : undefined;
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function text(value: string, known: Known, key: string): string {
  if (key === 'HostPort' && Number(value) >= FIRST_RANDOM_PORT) return '<port>';
  if (key === 'execDuration') return '<seconds>';
  if (key === 'SandboxKey' && value !== '') return '<netns>';
  if (key === 'MacAddress' && value !== '') return '<mac>';
  let said = value;
  for (const [id, name] of known) {
    said = said.replaceAll(id, `<${name}>`);
    if (/^[0-9a-f]{64}$/.test(id)) said = said.replaceAll(id.slice(0, 12), `<${name}>`);
  }
  return said
    .replace(/\b[0-9a-f]{64}\b/g, '<id>')
    .replace(/(?!0001)\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, '<time>')
    .replace(/\b(?:Up|Exited \(\d+\)|Created|Restarting \(\d+\)) (?:Less than|About|\d+)[a-z0-9 ]*?(?: ago\b|(?= \(|$))/g, (s) =>
      s.replace(/(?:Less than|About|\d+) (?:an?|seconds?|minutes?|hours?|\d).*?(?= ago|$)/, '<ago>'),
    )
    .replace(/\b(?:10|172|192\.168)(?:\.\d{1,3}){2,3}\b(?:\/\d+)?/g, '<ip>')
    .replace(/\b[0-9a-f]{12}\b/g, '<id>')
    .replace(/docker-import-\d+/g, 'docker-import-<number>')
    .replace(/\b02:42(?::[0-9a-f]{2}){4}\b/g, '<mac>')
    .replace(/\/[\w/.-]*\/h\d+\/(?:data|exec)\b/g, '<root>');
}
