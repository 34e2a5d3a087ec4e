/** What a page that is kept open shows, a row for each thing, and what has changed of them since. Pure. */
import { serviceReports } from '../reports/service-report.ts';
import { hostReports, networkReports, type Observed, statusReport } from '../reports/report.ts';

/** JSON by key: `cluster`, `host/h1`, `load/h1`, `service/abc/web`, `network/ID`. */
export type Rows = ReadonlyMap<string, string>;

const LOAD_STEPS = 100;

/** Loads are rounded to a hundredth: less is no change to send. `nowMs`: since 1970. */
export function liveRows(observed: Observed, nowMs: number): Rows {
  const rows = new Map<string, string>();
  const { leader, clusterId, store, strategy, warnings, notes, schedulers } = statusReport(observed);
  const known = schedulers.map(({ name, url, leads }) => ({ name, url, leads }));
  rows.set('cluster', JSON.stringify({ leader, clusterId, store, strategy, warnings, notes, schedulers: known }));
  for (const host of hostReports(observed)) rows.set(`host/${host.name}`, JSON.stringify({ ...host, cpuLoad: rounded(host.cpuLoad) }));
  // by itself: it changes once a minute, the rest of a host with each second
  for (const { name, lastHour } of observed.hosts) if (lastHour !== undefined) rows.set(`load/${name}`, JSON.stringify(lastHour));
  for (const one of serviceReports(observed.services(), nowMs)) rows.set(`service/${one.deployment}/${one.service}`, JSON.stringify(one));
  for (const { id, name, cidr, deployment, leases } of networkReports(observed)) {
    const shown = leases.map(({ ip, kind, owner, host, state }) => ({ ip, kind, owner, host, state }));
    rows.set(`network/${id}`, JSON.stringify({ id, name, cidr, deployment, leases: shown }));
  }
  return rows;
}

const rounded = (load: number | undefined): number | undefined =>
  load === undefined ? undefined : Math.round(load * LOAD_STEPS) / LOAD_STEPS;

/** The data of a message with what differs; undefined: nothing does. */
export function rowChanges(before: Rows, now: Rows): string | undefined {
  const set = [...now].filter(([key, row]) => before.get(key) !== row);
  const gone = [...before.keys()].filter((key) => !now.has(key));
  return set.length + gone.length === 0 ? undefined : message(false, set, gone);
}

/** The data of a message with all rows. */
export const allRows = (now: Rows): string => message(true, [...now], []);

function message(whole: boolean, set: readonly (readonly [string, string])[], gone: readonly string[]): string {
  return `{"whole":${whole},"set":{${set.map(([key, row]) => `${JSON.stringify(key)}:${row}`).join(',')}},"gone":${JSON.stringify(gone)}}`;
}
