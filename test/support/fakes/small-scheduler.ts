/** A whole scheduler process within the test's: endpoint, election, leadership, over a store that others have opened, too. Hosts are fake agents. */
import { ROOMS, type Rooms } from '../../../src/processes/rooms.ts';
import { runScheduler } from '../../../src/processes/scheduler.ts';
import type { SchedulerSettings } from '../../../src/processes/scheduler-settings.ts';
import { quietLog } from '../cluster/lab.ts';
import { until } from '../cluster/cluster.ts';
import { ENDPOINT_LIMITS } from './small-engine.ts';
import { freePort } from '../cluster/free-ports.ts';

export const JOIN_TOKEN = 'join-me';

export interface SmallScheduler extends AsyncDisposable {
  readonly url: string;
  /** What it logged as errors. */
  readonly errors: readonly string[];
  /** An answer's status and body, parsed if it is JSON. */
  readonly call: (method: string, path: string, body?: unknown) => Promise<{ readonly status: number; readonly body: unknown }>;
  /** Leads, or answers for the one that does. */
  readonly ready: () => Promise<void>;
}

/** What else it logs. */
type Logged = (details: Readonly<Record<string, unknown>>, text: string) => void;

type More = Partial<Omit<SchedulerSettings, 'own'>> & { readonly own?: Partial<SchedulerSettings['own']> };

export async function startSmallScheduler(
  name: string,
  store: SchedulerSettings['store'],
  more: More = {},
  rooms: Partial<Rooms> = {},
  logged: Logged = () => undefined,
): Promise<SmallScheduler> {
  for (let tries = 3; ; tries--) {
    try {
      return await startOne(name, store, more, rooms, logged);
    } catch (error) {
      // somebody else took a port that was free a moment ago
      if (tries === 1 || !String(error).includes('EADDRINUSE')) throw error;
    }
  }
}

async function startOne(
  name: string,
  store: SchedulerSettings['store'],
  { own, ...more }: More,
  rooms: Partial<Rooms>,
  logged: Logged,
): Promise<SmallScheduler> {
  const port = more.listen?.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const stop = new AbortController();
  const errors: string[] = [];
  const log = Object.assign(Object.create(quietLog) as typeof quietLog, {
    error: note,
    info: logged,
    debug: logged,
    child: () => log,
  });
  function note(_details: unknown, message?: string): void {
    errors.push(message ?? String(_details));
  }
  let listens = (): void => undefined;
  const listening = new Promise<void>((resolve) => (listens = resolve));
  const ended = runScheduler(
    {
      name,
      listen: { host: '127.0.0.1', port },
      alsoListen: [],
      advertise: url,
      store,
      own: {
        pool: '10.32.0.0/12',
        strategy: 'spread',
        leaseRest: 30_000,
        overcommitCpu: 1,
        overcommitMemory: 1,
        encryptNetworks: 'asked',
        publishMode: 'host',
        drainTime: 0,
        // fake agents send no beats
        hostDownAfter: 300_000,
        bodyLimit: 4 << 20,
        logLevel: 'silent',
        reschedule: 'restart',
        ...own,
      },
      defaultPrefix: 22,
      joinToken: JOIN_TOKEN,
      dns: undefined,
      onDnsTrouble: () => undefined,
      publishAt: undefined,
      graceMs: 300,
      sessionTtlMs: 10_000,
      streamLimit: 1_000,
      limits: ENDPOINT_LIMITS.limits,
      eventsBehindBytes: 1 << 20,
      ...more,
    },
    { log, setLevel: () => undefined },
    stop.signal,
    { ready: () => listens(), rooms: { ...ROOMS, ...rooms } },
  );
  await Promise.race([listening, ended]);
  const call: SmallScheduler['call'] = async (method, path, body) => {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${JOIN_TOKEN}` };
    const init = { method, headers, signal: AbortSignal.timeout(60_000), ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await fetch(url + path, init);
    const text = await answer.text();
    try {
      return { status: answer.status, body: JSON.parse(text) as unknown };
    } catch {
      return { status: answer.status, body: text };
    }
  };
  return {
    url,
    errors,
    call,
    ready: async () => {
      await until(`${name} answers as a leader`, async () => (await call('GET', '/arpanet/v1/status')).status === 200);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}
