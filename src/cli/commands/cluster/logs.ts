/** `arpanet logs`: all instances of a deployment or service in one stream, through restarts, moves and leader changes. Effects: HTTP, timers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LogLines } from '../../../engine/log-lines.ts';
import { merged } from '../../../async/merged.ts';
import { isKind } from '../../../model/errors.ts';
import type { ApiClient } from '../../api-client.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { secondsOf } from '../../times.ts';
import { prefixed, sinceOf, type TimedLine, timedLine } from '../../output/log-lines.ts';

export interface LogFlags extends ClientFlags {
  readonly follow?: boolean;
  readonly tail: string;
  readonly timestamps?: boolean;
  readonly since?: string;
  readonly until?: string;
}

interface Source {
  readonly id: string;
  /** `web-1 h2` */
  readonly who: string;
  /** What --json says of it beside its id; nothing of a container that is of no service. */
  readonly of: { readonly deployment?: string; readonly service?: string; readonly number?: number; readonly host?: string };
}

/** Between two attempts to reach the cluster. */
const RETRY_MS = 500;
/** A longer line is printed in pieces. */
const LINE_LIMIT_BYTES = 1024 * 1024;

/** Without a reference, of all services. With `--follow` it ends when nobody reads it any more; with `--json` one object per line. */
export async function showLogs(reference: string | undefined, flags: LogFlags, terminal: Terminal): Promise<void> {
  const { paced, say, isTerminal } = terminal;
  const { api } = clientCall(flags, terminal);
  const window = {
    since: flags.since === undefined ? undefined : secondsOf('--since', flags.since, Date.now()),
    until: flags.until === undefined ? undefined : secondsOf('--until', flags.until, Date.now()),
  };
  /** Nobody reads any more. */
  const over = new AbortController();
  let width = 0;
  const print = ({ id, who, of }: Source, { at, text }: TimedLine, stream: number) =>
    paced(
      flags.json === true
        ? `${JSON.stringify({ time: at, ...of, container: id, instance: who, stream: stream === 2 ? 'stderr' : 'stdout', text })}\n`
        : `${prefixed(who, width, flags.timestamps === true ? `${at} ${text}` : text, isTerminal)}\n`,
    );
  const first = await sources(api, reference);
  width = Math.max(0, ...first.map((source) => source.who.length));
  if (flags.follow !== true) {
    const logs = first.map((source) => read(api, source, { follow: false, tail: flags.tail, after: undefined, ...window }, over.signal));
    for await (const { source, line, stream } of merged(logs, (a, b) => a.line.at < b.line.at))
      if (!(await print(source, line, stream))) return;
    return;
  }

  const reading = new Set<string>();
  const last = new Map<string, string>();
  const follow = async (source: Source, tail: string): Promise<void> => {
    const after = last.get(source.id);
    const options = { follow: true, tail: after === undefined ? tail : 'all', after, ...window };
    for await (const { line, stream } of read(api, source, options, over.signal)) {
      last.set(source.id, line.at);
      if (!(await print(source, line, stream))) return over.abort();
    }
  };
  const start = (source: Source, tail: string): void => {
    if (reading.has(source.id)) return;
    reading.add(source.id);
    width = Math.max(width, source.who.length);
    follow(source, tail)
      .catch(() => undefined)
      .finally(() => reading.delete(source.id));
  };
  for (const source of first) start(source, flags.tail);
  // Events announce what starts later. After a lost connection (a leader that died) each log continues after its last line.
  const filters = encodeURIComponent(JSON.stringify({ type: ['container'], event: ['start', 'restart', 'unpause'] }));
  let isLost = false;
  while (!over.signal.aborted) {
    try {
      const feed = api.feed<unknown>(`/events?filters=${filters}&since=${Math.floor(Date.now() / 1000) - 1}`, over.signal);
      const startNew = async () => {
        for (const source of await sources(api, reference)) start(source, 'all');
      };
      await startNew();
      isLost = false;
      for await (const _ of feed) await startNew();
    } catch (error) {
      if (!isLost && isKind(error, 'unavailable', 'timeout')) say('the cluster cannot be reached; retrying');
      isLost = true;
    }
    await sleep(RETRY_MS, undefined, { signal: over.signal }).catch(() => undefined);
  }
}

/** The instances that run or have run: of a deployment, a service, or one container by its name. */
async function sources(api: ApiClient, of: string | undefined): Promise<readonly Source[]> {
  try {
    const services = await api.v1.call('getServices', { of });
    return services.flatMap(({ deployment, service, instances }) =>
      instances.map(({ id, number, host }) => ({ id, who: `${service}-${number} ${host}`, of: { deployment, service, number, host } })),
    );
  } catch (error) {
    if (of === undefined || !isKind(error, 'engine') || error.engineStatus !== 404) throw error;
    const one = await api.json<{ Id: string; Name: string }>(`/containers/${encodeURIComponent(of)}/json`).catch(() => {
      throw error;
    });
    return [{ id: one.Id, who: one.Name.slice(1), of: {} }];
  }
}

interface ReadOptions {
  readonly follow: boolean;
  readonly tail: string;
  /** Time of the last line that was printed; what is not later is left out. */
  readonly after: string | undefined;
  /** Seconds since 1970. */
  readonly since: string | undefined;
  readonly until: string | undefined;
}

interface SourceLine {
  readonly source: Source;
  readonly line: TimedLine;
  /** 1: standard output, 2: standard error. */
  readonly stream: number;
}

/** Ends with the log; of a followed one, when its container stops. The Engine is read only as fast as the lines are taken. */
async function* read(
  api: ApiClient,
  source: Source,
  { follow, tail, after, since, until }: ReadOptions,
  signal: AbortSignal,
): AsyncGenerator<SourceLine> {
  const { id } = source;
  const { Config } = await api.json<{ Config: { Tty?: boolean } }>(`/containers/${id}/json`);
  const query = new URLSearchParams({ stdout: '1', stderr: '1', timestamps: '1', tail, follow: follow ? '1' : '0' });
  const from = after === undefined ? since : sinceOf(after);
  if (from !== undefined) query.set('since', from);
  if (until !== undefined) query.set('until', until);
  const answer = await api.open(`/containers/${id}/logs?${query.toString()}`, signal);
  for await (const { line: bytes, stream } of new LogLines(Config.Tty === true, LINE_LIMIT_BYTES).of(answer)) {
    const line = timedLine(bytes.toString());
    if (after === undefined || line.at > after) yield { source, line, stream };
  }
}
