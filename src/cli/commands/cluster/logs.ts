/** `arpanet logs`: all instances of a deployment or service in one stream, through restarts, moves and leader changes. Effects: HTTP, timers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LogLines } from '../../../engine/log-lines.ts';
import { isKind } from '../../../model/errors.ts';
import type { ServiceReport } from '../../../operator-api/index.ts';
import type { ApiClient } from '../../api-client.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { prefixed, sinceOf, type TimedLine, timedLine } from '../../output/log-lines.ts';

export interface LogFlags extends ClientFlags {
  readonly follow?: boolean;
  readonly tail: string;
  readonly timestamps?: boolean;
}

interface Source {
  readonly id: string;
  /** `web-1 h2` */
  readonly who: string;
}

/** Between two attempts to reach the cluster. */
const RETRY_MS = 500;
/** A longer line is printed in pieces. */
const LINE_LIMIT_BYTES = 16 * 1024 * 1024;

/** Without a reference, of all services. With `--follow` it does not end; with `--json` one object per line. */
export async function showLogs(reference: string | undefined, flags: LogFlags, terminal: Terminal): Promise<void> {
  const { out, say, isTerminal } = terminal;
  const { api } = clientCall(flags, terminal);
  let width = 0;
  const print = ({ id, who }: Source, { at, text }: TimedLine) =>
    out(
      flags.json === true
        ? `${JSON.stringify({ container: id, instance: who, time: at, text })}\n`
        : `${prefixed(who, width, flags.timestamps === true ? `${at} ${text}` : text, isTerminal)}\n`,
    );
  const first = await sources(api, reference);
  width = Math.max(0, ...first.map((source) => source.who.length));
  if (flags.follow !== true) {
    const all = await Promise.all(
      first.map(async (source) => {
        const mine: { source: Source; line: TimedLine }[] = [];
        await read(api, source.id, { follow: false, tail: flags.tail, after: undefined }, (line) => mine.push({ source, line }));
        return mine;
      }),
    );
    for (const { source, line } of all.flat().toSorted((a, b) => (a.line.at < b.line.at ? -1 : 1))) print(source, line);
    return;
  }

  const reading = new Set<string>();
  const last = new Map<string, string>();
  const start = (source: Source, tail: string) => {
    if (reading.has(source.id)) return;
    reading.add(source.id);
    width = Math.max(width, source.who.length);
    const after = last.get(source.id);
    read(api, source.id, { follow: true, tail: after === undefined ? tail : 'all', after }, (line) => {
      last.set(source.id, line.at);
      print(source, line);
    })
      .catch(() => undefined)
      .finally(() => reading.delete(source.id));
  };
  for (const source of first) start(source, flags.tail);
  // Events announce what starts later. After a lost connection (a leader that died) each log continues after its last line.
  const filters = encodeURIComponent(JSON.stringify({ type: ['container'], event: ['start', 'restart', 'unpause'] }));
  let isLost = false;
  for (const never = new AbortController().signal; ; ) {
    try {
      const feed = api.feed<unknown>(`/events?filters=${filters}&since=${Math.floor(Date.now() / 1000) - 1}`, never);
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
    await sleep(RETRY_MS);
  }
}

/** The instances that run or have run: of a deployment, a service, or one container by its name. */
async function sources(api: ApiClient, of: string | undefined): Promise<readonly Source[]> {
  const query = of === undefined ? '' : `?of=${encodeURIComponent(of)}`;
  try {
    const services = await api.json<readonly ServiceReport[]>(`/arpanet/v1/services${query}`);
    return services.flatMap(({ service, instances }) =>
      instances.map(({ id, number, host }) => ({ id, who: `${service}-${number} ${host}` })),
    );
  } catch (error) {
    if (of === undefined || !isKind(error, 'engine') || error.engineStatus !== 404) throw error;
    const one = await api.json<{ Id: string; Name: string }>(`/containers/${encodeURIComponent(of)}/json`).catch(() => {
      throw error;
    });
    return [{ id: one.Id, who: one.Name.slice(1) }];
  }
}

interface ReadOptions {
  readonly follow: boolean;
  readonly tail: string;
  /** Time of the last line that was printed; what is not later is left out. */
  readonly after: string | undefined;
}

/** Resolves at the end of the log; of a followed one, when its container stops. */
async function read(api: ApiClient, id: string, { follow, tail, after }: ReadOptions, take: (line: TimedLine) => void): Promise<void> {
  const { Config } = await api.json<{ Config: { Tty?: boolean } }>(`/containers/${id}/json`);
  const query = new URLSearchParams({ stdout: '1', stderr: '1', timestamps: '1', tail, follow: follow ? '1' : '0' });
  if (after !== undefined) query.set('since', sinceOf(after));
  const answer = await api.open(`/containers/${id}/logs?${query.toString()}`, new AbortController().signal);
  for await (const { line: bytes } of new LogLines(Config.Tty === true, LINE_LIMIT_BYTES).of(answer)) {
    const line = timedLine(bytes.toString());
    if (after === undefined || line.at > after) take(line);
  }
}
