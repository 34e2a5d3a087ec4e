/** What a history of operations and observations must not contain. Pure. */

export interface Operation {
  readonly kind: 'create' | 'start' | 'stop' | 'remove' | 'network-create' | 'network-remove' | 'list';
  readonly name: string;
  readonly startedMs: number;
  readonly endedMs: number;
  /** 0: the connection broke. */
  readonly status: number;
  readonly retryAfter: boolean;
  /** What a refusal said. */
  readonly message?: string;
}

export interface SeenContainer {
  readonly host: string;
  readonly name: string;
  readonly running: boolean;
  /** `network/ip`. */
  readonly addresses: readonly string[];
}

export interface Observation {
  readonly atMs: number;
  /** All faults are over and the cluster had its time to settle. */
  readonly settled: boolean;
  readonly containers: readonly SeenContainer[];
  /** Hosts that no other host takes a packet from: what runs there is nobody's peer. */
  readonly isolated?: readonly string[];
  /** When settled: the schedulers that say that they lead. */
  readonly leading?: readonly string[];
  /** Epoch of the store, and the highest that each host has seen. */
  readonly epochs: Readonly<Record<string, number>>;
  /** When settled: what each host's DNS answers for the whole deployment, and who runs. */
  readonly dns?: Readonly<Record<string, readonly string[]>>;
  readonly shouldResolve?: readonly string[];
  /** When settled: what an audit found. */
  readonly findings?: readonly string[];
  /** Bytes in the log of each scheduler and agent. */
  readonly logs?: Readonly<Record<string, number>>;
  /** At the very end, all having been removed: what is left. */
  readonly leftovers?: readonly string[];
}

/** An instance that the cluster holds: it is there and runs in every peace, at the address that it first had. */
export interface Held {
  readonly name: string;
  readonly address: string;
}

export interface History {
  readonly held?: readonly Held[];
  /** When an Engine was killed or stopped, from the strike until it was there again. */
  readonly engineFaults?: readonly { readonly startedMs: number; readonly endedMs: number }[];
  /** No request waits longer: half a minute unless told. */
  readonly longestMs?: number;
  readonly operations: readonly Operation[];
  readonly observations: readonly Observation[];
}

/** No request waits longer for a leader than ten seconds; an Engine that starts anew under its hands may take its own time. */
const LONGEST_MS = 30_000;

export function violations(history: History): readonly string[] {
  return [
    ...history.observations.flatMap(ofObservation),
    ...ofEpochs(history.observations),
    ...ofOperations(history),
    ...lostHeld(history),
    ...lostCreates(history),
    ...loudLogs(history),
    ...cameBack(history),
  ];
}

function ofObservation(seen: Observation): readonly string[] {
  const at = (text: string): string => `at ${Math.round(seen.atMs / 1_000)} s: ${text}`;
  const running = seen.containers.filter(({ host, running: isRunning }) => isRunning && seen.isolated?.includes(host) !== true);
  const named = seen.settled ? seen.containers : running;
  const dns = seen.shouldResolve === undefined ? [] : Object.entries(seen.dns ?? {});
  return [
    ...doubles(running.flatMap(({ name, addresses }) => addresses.map((address) => [address, name] as const))).map((what) =>
      at(`address held by two live containers: ${what}`),
    ),
    ...doubles(named.map(({ name, host }) => [name, host] as const)).map((what) => at(`name twice: ${what}`)),
    ...dns.flatMap(([host, answers]) => [
      ...answers.filter((ip) => !seen.shouldResolve?.includes(ip)).map((ip) => at(`stale name: the DNS of ${host} answers with ${ip}`)),
      ...(seen.shouldResolve ?? []).filter((ip) => !answers.includes(ip)).map((ip) => at(`missing name: the DNS of ${host} lacks ${ip}`)),
    ]),
    ...(seen.leading !== undefined && seen.leading.length > 1 ? [at(`two leaders: ${seen.leading.join(' and ')} both lead`)] : []),
    ...(seen.findings ?? []).map((what) => at(`audit: ${what}`)),
    ...(seen.leftovers ?? []).map((what) => at(`leaked: ${what}`)),
  ];
}

function doubles(pairs: readonly (readonly [string, string])[]): readonly string[] {
  const owners = new Map<string, string[]>();
  for (const [key, owner] of pairs) owners.set(key, [...(owners.get(key) ?? []), owner]);
  return [...owners].flatMap(([key, all]) => (all.length > 1 ? [`${key} (${all.join(', ')})`] : []));
}

/** An epoch that goes back means that one who leads no more was let in. */
function ofEpochs(observations: readonly Observation[]): readonly string[] {
  const highest = new Map<string, number>();
  return observations.flatMap(({ atMs, epochs }) =>
    Object.entries(epochs).flatMap(([who, epoch]) => {
      const before = highest.get(who) ?? 0;
      highest.set(who, Math.max(before, epoch));
      return epoch < before ? [`at ${Math.round(atMs / 1_000)} s: two leaders: ${who} went from epoch ${before} back to ${epoch}`] : [];
    }),
  );
}

/** An Engine that was killed refuses for a while with a 500 of its own; we pass it on. Ours say so. */
const OURS = 'arpanet failed on this request';
const ENGINE_RECOVERS_MS = 120_000;

function ofOperations({ operations, engineFaults = [], longestMs = LONGEST_MS }: History): readonly string[] {
  const isEngines = (message: string, atMs: number): boolean =>
    !message.includes(OURS) && engineFaults.some(({ startedMs, endedMs }) => atMs >= startedMs && atMs <= endedMs + ENGINE_RECOVERS_MS);
  return operations.flatMap(({ kind, name, startedMs, endedMs, status, retryAfter, message = '' }) => {
    const what = `${kind} ${name} at ${Math.round(startedMs / 1_000)} s`;
    return [
      ...(endedMs - startedMs > longestMs ? [`hang: ${what} took ${endedMs - startedMs} ms: ${status} ${message.trim()}`] : []),
      ...(status === 503 && !retryAfter ? [`503 without Retry-After: ${what}`] : []),
      ...(status === 500 && !isEngines(message, endedMs) ? [`internal error: ${what}: ${message.trim()}`] : []),
    ];
  });
}

/** A create that was answered 201 exists in every settled observation until somebody asks for its removal. */
function lostCreates({ operations, observations }: History): readonly string[] {
  return operations.flatMap((create) => {
    if (create.kind !== 'create' || create.status !== 201) return [];
    const removal = operations.find(
      (other) => other.kind === 'remove' && other.name === create.name && other.startedMs >= create.startedMs && other.status !== 404,
    );
    const missing = observations.find(
      (seen) =>
        seen.settled &&
        seen.atMs > create.endedMs &&
        seen.atMs < (removal?.startedMs ?? Infinity) &&
        !seen.containers.some(({ name }) => name === create.name),
    );
    return missing === undefined ? [] : [`lost: ${create.name} was acknowledged and is gone at ${Math.round(missing.atMs / 1_000)} s`];
  });
}

/** What a client was told does not exist (its create was refused, its removal done or not needed) is in no later peace. Names are used once. */
export function cameBack({ operations, observations }: History): readonly string[] {
  return operations.flatMap(({ kind, name, status, endedMs }) => {
    const isGone = kind === 'remove' && (status === 204 || status === 404);
    const isRefused = kind === 'create' && status >= 400 && status < 500;
    if (!isGone && !isRefused) return [];
    const seen = observations.find(
      ({ settled, atMs, containers }) => settled && atMs > endedMs && containers.some((container) => container.name === name),
    );
    return seen === undefined
      ? []
      : [`came back: ${name} is there at ${Math.round(seen.atMs / 1_000)} s, after its ${kind} was answered ${status}`];
  });
}

/** Of one log in any minute: so much for what is broken, and so much for each request. */
const LOG_BYTES = 100_000;
const LOG_BYTES_EACH = 2_000;
const MINUTE_MS = 60_000;

/** A log that fills the disk while something stays broken. Each is named once, by its worst minute. */
function loudLogs({ operations, observations }: History): readonly string[] {
  const worst = new Map<string, { readonly excess: number; readonly text: string }>();
  for (const seen of observations) {
    const before = observations.find((other) => other.atMs >= seen.atMs - MINUTE_MS) ?? seen;
    if (before.atMs >= seen.atMs) continue;
    const asked = operations.filter(({ startedMs, endedMs }) => endedMs >= before.atMs && startedMs <= seen.atMs).length;
    for (const [name, bytes] of Object.entries(seen.logs ?? {})) {
      const written = bytes - (before.logs?.[name] ?? bytes);
      const excess = written - LOG_BYTES - asked * LOG_BYTES_EACH;
      if (excess <= (worst.get(name)?.excess ?? 0)) continue;
      const at = Math.round(seen.atMs / 1_000);
      worst.set(name, { excess, text: `loud log: ${name} wrote ${written} bytes in the minute before ${at} s, with ${asked} requests` });
    }
  }
  return [...worst.values()].map(({ text }) => text);
}

function lostHeld({ held = [], observations }: History): readonly string[] {
  return observations.flatMap(({ atMs, settled, leftovers, containers }) => {
    if (!settled || leftovers !== undefined) return [];
    return held.flatMap(({ name, address }) => {
      const at = `at ${Math.round(atMs / 1_000)} s`;
      const found = containers.find((container) => container.name === name && container.running);
      if (found === undefined) return [`${at}: held instance ${name} does not run`];
      return found.addresses.some((one) => one.endsWith(`/${address}`)) ? [] : [`${at}: held instance ${name} lost its address ${address}`];
    });
  });
}
