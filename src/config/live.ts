/** The settings that can be changed for the whole cluster while it runs (`live` in the table of options). Pure. */
import { ArpanetError } from '../model/index.ts';
import { messageOf } from './load.ts';
import { hint } from './nearest.ts';
import { OPTIONS } from './options.ts';
import { schemas, type SchedulerConfig } from './schemas.ts';

const FIELDS = {
  strategy: 'strategy',
  pool: 'pool',
  'host-down-after': 'hostDownAfter',
  'lease-rest': 'leaseRest',
  'body-limit': 'bodyLimit',
  'log-level': 'logLevel',
} as const;

export type LiveName = keyof typeof FIELDS;
export type LiveSettings = Pick<SchedulerConfig, (typeof FIELDS)[LiveName]>;
export const LIVE = Object.keys(FIELDS) as readonly LiveName[];

/** The name and the value that a text stands for. Throws `invalid` with the nearest name, or with what is allowed. */
export function liveValue(name: string, text: string): { readonly name: LiveName; readonly value: unknown } {
  const live = LIVE.find((one) => one === name);
  if (live === undefined) throw new ArpanetError('invalid', whyNot(name));
  const result = schemas.scheduler.shape[FIELDS[live]].safeParse(text);
  const [issue] = result.error?.issues ?? [];
  if (issue !== undefined) throw new ArpanetError('invalid', `${name}: ${messageOf(issue)}`);
  return { name: live, value: result.data };
}

function whyNot(name: string): string {
  const option = OPTIONS.find((one) => one.name === name);
  const all = `what can be changed while the cluster runs is ${LIVE.join(', ')}`;
  if (option === undefined) return `there is no setting "${name}": ${hint(name, LIVE)} (${all})`;
  return `${name} cannot be changed while the cluster runs: give --${name} to arpanet ${Object.keys(option.commands).join(', ')} and start it anew (${all})`;
}

/** What was set goes over what a process was started with; what an older or newer scheduler left there and nobody here can read does not. */
export function withLive(own: LiveSettings, kept: Readonly<Record<string, string>>): LiveSettings {
  const read = Object.entries(kept).flatMap(([name, text]) => {
    try {
      const { name: live, value } = liveValue(name, text);
      return [[FIELDS[live], value]];
    } catch {
      return [];
    }
  });
  return { ...own, ...(Object.fromEntries(read) as Partial<LiveSettings>) };
}

/** As a person would write it. */
export function liveText(name: LiveName, settings: LiveSettings): string {
  const value = settings[FIELDS[name]];
  if (typeof value === 'string') return value;
  if (name !== 'body-limit') return value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`;
  return value % 2 ** 20 === 0 ? `${value / 2 ** 20}MiB` : `${value}`;
}
