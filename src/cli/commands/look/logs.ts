/** The logs of all instances of a deployment or service in one stream, through restarts, moves and changes of leader. Effects: HTTP, timers. */
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind } from '../../../model/index.ts';
import { lines } from '../../../engine/index.ts';
import { logLine, type LogLine, prefixed, type ServiceReport, sinceOf, unframe } from '../../../operator-api/index.ts';
import type { Endpoint, Terminal } from '../../api-client.ts';

export interface LogsWish {
  readonly of: string | undefined;
  readonly follow: boolean;
  readonly tail: string;
  readonly timestamps: boolean;
}

interface Source {
  readonly id: string;
  /** `web-1 h2` */
  readonly who: string;
}

const AGAIN_MS = 500;

export async function showLogs(endpoint: Endpoint, wish: LogsWish, { out, say, isTerminal }: Terminal): Promise<void> {
  let width = 0;
  const print = ({ who }: Source, { at, text }: LogLine) =>
    out(`${prefixed(who, width, wish.timestamps ? `${at} ${text}` : text, isTerminal)}\n`);
  const first = await sources(endpoint, wish.of);
  width = Math.max(0, ...first.map((source) => source.who.length));
  if (!wish.follow) {
    const all = await Promise.all(
      first.map(async (source) => {
        const mine: { source: Source; line: LogLine }[] = [];
        await read(endpoint, source.id, { follow: false, tail: wish.tail, after: undefined }, (line) => mine.push({ source, line }));
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
    read(endpoint, source.id, { follow: true, tail: after === undefined ? tail : 'all', after }, (line) => {
      last.set(source.id, line.at);
      print(source, line);
    })
      .catch(() => undefined)
      .finally(() => reading.delete(source.id));
  };
  for (const source of first) start(source, wish.tail);
  // What starts later is told by events; a line that broke (a leader that died) is taken up again where it was left.
  const filters = encodeURIComponent(JSON.stringify({ type: ['container'], event: ['start', 'restart', 'unpause'] }));
  let isLost = false;
  for (const never = new AbortController().signal; ; ) {
    try {
      const feed = endpoint.feed<unknown>(`/events?filters=${filters}&since=${Math.floor(Date.now() / 1000) - 1}`, never);
      const again = async () => {
        for (const source of await sources(endpoint, wish.of)) start(source, 'all');
      };
      await again();
      isLost = false;
      for await (const _ of feed) await again();
    } catch (error) {
      if (!isLost && isKind(error, 'unavailable', 'timeout')) say('the cluster cannot be reached: waiting for it');
      isLost = true;
    }
    await sleep(AGAIN_MS);
  }
}

/** The instances that run or have run: of a deployment, a service, or one container by its name. */
async function sources(endpoint: Endpoint, of: string | undefined): Promise<readonly Source[]> {
  const query = of === undefined ? '' : `?of=${encodeURIComponent(of)}`;
  try {
    const services = await endpoint.json<readonly ServiceReport[]>(`/arpanet/v1/services${query}`);
    return services.flatMap(({ service, instances }) =>
      instances.map(({ id, number, host }) => ({ id, who: `${service}-${number} ${host}` })),
    );
  } catch (error) {
    if (of === undefined || !isKind(error, 'engine') || error.engineStatus !== 404) throw error;
    const one = await endpoint.json<{ Id: string; Name: string }>(`/containers/${encodeURIComponent(of)}/json`).catch(() => {
      throw error;
    });
    return [{ id: one.Id, who: one.Name.slice(1) }];
  }
}

interface Reading {
  readonly follow: boolean;
  readonly tail: string;
  /** The last line that was seen. */
  readonly after: string | undefined;
}

/** Resolves at the end of the log; of a followed one, when its container stops. */
async function read(endpoint: Endpoint, id: string, { follow, tail, after }: Reading, take: (line: LogLine) => void): Promise<void> {
  const { Config } = await endpoint.json<{ Config: { Tty?: boolean } }>(`/containers/${id}/json`);
  const query = new URLSearchParams({ stdout: '1', stderr: '1', timestamps: '1', tail, follow: follow ? '1' : '0' });
  if (after !== undefined) query.set('since', sinceOf(after));
  const answer = await endpoint.open(`/containers/${id}/logs?${query.toString()}`, new AbortController().signal);
  for await (const text of lines(Config.Tty === true ? answer : payloads(answer))) {
    const line = logLine(text);
    if (after === undefined || line.at > after) take(line);
  }
}

async function* payloads(answer: IncomingMessage): AsyncGenerator<Buffer, void> {
  let waiting: Buffer = Buffer.alloc(0);
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const cut = unframe(waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]));
    waiting = cut.rest;
    yield* cut.payloads;
  }
}
