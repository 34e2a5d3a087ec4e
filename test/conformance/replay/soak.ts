/** Many mixed requests, among them clients that are slow, rude and gone: what is left of them in schedulers and agents? */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceUsage as Self } from '../../../src/telemetry/resource-usage.ts';
import { type Cluster, testToken, until } from '../../support/cluster/cluster.ts';
import { kinds } from './rude.ts';
import type { Endpoint } from './wire.ts';
import { request } from './wire.ts';

const AT_ONCE = 12;

/** Resolves when all have been sent and are over, in turns through each endpoint. A refusal is an answer; what does not end counts as failed. */
async function soak(endpoints: readonly Endpoint[], name: string, count: number): Promise<{ readonly failed: number }> {
  const all = endpoints.map((endpoint) => kinds(endpoint, name));
  let next = 0;
  let failed = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const those = all[i % all.length] ?? [];
      // a stride that is prime to the number of kinds: every kind meets every other
      await those[(i * 7) % those.length]?.(i).catch(() => failed++);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { failed };
}

export interface ResourceUsage {
  readonly who: string;
  /** As the kernel tells of them, one line each. */
  readonly sockets: readonly string[];
  readonly timers: number;
  readonly heapMiB: number;
}

interface Watched {
  readonly who: string;
  readonly pid: number;
  readonly url: string;
}

function watched(cluster: Cluster): readonly Watched[] {
  return [
    ...cluster.schedulers.map(({ name, process, url }) => ({ who: name, pid: process.pid ?? 0, url: `${url}/arpanet/v1/held` })),
    ...cluster.lab.hosts.map(({ name, address }) => {
      return { who: `agent ${name}`, pid: cluster.agents.get(name)?.pid ?? 0, url: `http://${address}:2376/held` };
    }),
  ];
}

/** By the kernel's number: who is joined with whom, and how far that is (Documentation/networking/proc_net_tcp.rst, include/net/tcp_states.h). */
function connectionsOf(pid: number): ReadonlyMap<string, string> {
  const at = (hex: string): string => {
    const [address = '', port = ''] = hex.split(':');
    const bytes = address.length === 8 ? (address.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)) : ['ipv6'];
    return `${bytes.join('.')}:${Number.parseInt(port, 16)}`;
  };
  const states = [
    '',
    'established',
    'syn-sent',
    'syn-received',
    'fin-wait-1',
    'fin-wait-2',
    'time-wait',
    'close',
    'close-wait',
    'last-ack',
    'listen',
  ];
  const lines = ['tcp', 'tcp6'].flatMap((kind) => readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').trim().split('\n').slice(1));
  return new Map(
    lines.map((line) => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      return [inode, `${at(local)} with ${at(remote)}, ${states[Number.parseInt(state, 16)] ?? state}`];
    }),
  );
}

function socketsOf(pid: number): readonly string[] {
  const targets = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
  const known = connectionsOf(pid);
  return targets.map((inode) => known.get(inode) ?? 'no TCP');
}

/** What a process holds, after it has collected its garbage. The question's own connection closes before the sockets are counted. */
async function heldBy({ who, pid, url }: Watched): Promise<ResourceUsage> {
  const headers = { Authorization: `Bearer ${testToken}`, Connection: 'close' };
  const { resources, heapUsedBytes } = (await (await fetch(`${url}?collect=1`, { headers })).json()) as Self;
  await sleep(50);
  return { who, sockets: socketsOf(pid), timers: resources['Timeout'] ?? 0, heapMiB: heapUsedBytes / 2 ** 20 };
}

/** Pooled connections close after twenty idle seconds, and a half-closed client's end is noticed within three. */
const SETTLE_MS = 60_000;

/** The least that each was seen to hold, once two looks in a row agree on the sockets; or what they hold when time is over. */
async function settled(processes: readonly Watched[], wanted: readonly ResourceUsage[] | undefined): Promise<readonly ResourceUsage[]> {
  let last: readonly ResourceUsage[] = [];
  const isQuiet = async (): Promise<boolean> => {
    const now = await Promise.all(processes.map(heldBy));
    const isSame = now.every(({ sockets }, i) => sockets.length === last[i]?.sockets.length);
    const isWanted = wanted === undefined || now.every(({ sockets }, i) => sockets.length <= (wanted[i]?.sockets.length ?? 0));
    last = now;
    if (isSame && isWanted) return true;
    await sleep(wanted === undefined ? 8_000 : 1_500);
    return false;
  };
  await until('nothing changes any more', isQuiet, SETTLE_MS).catch(() => undefined);
  return last;
}

export interface Soaked {
  readonly count: number;
  readonly failed: number;
  readonly before: readonly ResourceUsage[];
  readonly after: readonly ResourceUsage[];
}

/** A tenth of the requests warms everything up; what the rest leaves behind is what is told. */
export async function soakCluster(cluster: Cluster, count: number): Promise<Soaked> {
  const { endpoint } = cluster;
  const config = { Image: 'busybox', Cmd: ['cat'], OpenStdin: true };
  await request(endpoint, 'POST', '/containers/create?name=soaked', { body: config });
  await request(endpoint, 'POST', '/containers/soaked/start');
  const endpoints = cluster.schedulers.map((one) => one.endpoint);
  const processes = watched(cluster);
  const warm = await soak(endpoints, 'soaked', Math.ceil(count / 10));
  const before = await settled(processes, undefined);
  const rest = await soak(endpoints, 'soaked', Math.floor((count * 9) / 10));
  const after = await settled(processes, before);
  await request(endpoint, 'DELETE', '/containers/soaked?force=1');
  return { count, failed: warm.failed + rest.failed, before, after };
}

/** Schedulers, agents and Consul talk to each other all the time, and a pooled connection or two comes and goes with it; each kind of request is sent far more often. */
const SLACK_SOCKETS = 3;
const SLACK_TIMERS = 4;
const SLACK_HEAP_MIB = 24;

/** What a soak left behind, in words; empty: nothing. */
export function leftBy({ failed, before, after }: Soaked): readonly string[] {
  const grown = after.flatMap((now, i) => {
    const then = before[i] ?? now;
    return [
      ...(now.sockets.length > then.sockets.length + SLACK_SOCKETS
        ? [`${now.who} holds ${now.sockets.length - then.sockets.length} sockets more: ${moreThan(then, now).join('; ')}`]
        : []),
      ...(now.timers > then.timers + SLACK_TIMERS ? [`${now.who} holds ${now.timers - then.timers} timers more (${now.timers})`] : []),
      ...(now.heapMiB > then.heapMiB + SLACK_HEAP_MIB ? [`${now.who} holds ${(now.heapMiB - then.heapMiB).toFixed()} MiB more`] : []),
    ];
  });
  return [...(failed > 0 ? [`${failed} requests did not end`] : []), ...grown];
}

function moreThan(then: ResourceUsage, now: ResourceUsage): readonly string[] {
  const had = new Set(then.sockets);
  return now.sockets.filter((socket) => !had.has(socket));
}

/** One line a process, for a report. */
export const soakLines = ({ count, before, after }: Soaked): readonly string[] =>
  after.map((now, i) => {
    const then = before[i] ?? now;
    const heap = `heap ${then.heapMiB.toFixed(1)} -> ${now.heapMiB.toFixed(1)} MiB`;
    return `${now.who}: after ${count} requests sockets ${then.sockets.length} -> ${now.sockets.length}, timers ${then.timers} -> ${now.timers}, ${heap}`;
  });
