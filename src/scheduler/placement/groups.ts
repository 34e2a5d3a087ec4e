/** Creates that need one host together: they share a volume, or one has the volumes or a namespace of another. Pure. */
export interface Grouping {
  readonly name: string;
  /** Named volumes. */
  readonly volumes: readonly string[];
  /** Names of containers that it must be beside. */
  readonly beside: readonly string[];
}

/** For each create the positions of its group in order, its own among them. */
export function groupsOf(creates: readonly Grouping[]): readonly (readonly number[])[] {
  const leader = creates.map((_, index) => index);
  const find = (index: number): number => {
    let at = index;
    while (leader[at] !== at) at = leader[at] ?? at;
    return at;
  };
  const first = new Map<string, number>();
  const join = (index: number, key: string): void => {
    const known = first.get(key);
    if (known === undefined) first.set(key, index);
    else leader[Math.max(find(index), find(known))] = Math.min(find(index), find(known));
  };
  for (const [index, { name, volumes, beside }] of creates.entries()) {
    join(index, `container ${name}`);
    for (const container of beside) join(index, `container ${container}`);
    for (const volume of volumes) join(index, `volume ${volume}`);
  }
  const members = new Map<number, number[]>();
  for (const index of creates.keys()) members.set(find(index), [...(members.get(find(index)) ?? []), index]);
  return creates.map((_, index) => members.get(find(index)) ?? [index]);
}
