/** The settings that can be changed for the whole cluster at run time (`live` in the table of options). Pure. */
import { ArpanetError } from '../model/index.ts';
import { each } from '../telemetry/left-out.ts';
import { formatMs } from '../text/duration.ts';
import { formatSize } from '../text/size.ts';
import { messageOf } from './layers.ts';
import { hint } from './nearest.ts';
import { OPTIONS } from './options.ts';
import { schemas, type SchedulerConfig } from './schemas.ts';

const FIELDS = {
  strategy: 'strategy',
  pool: 'pool',
  'host-down-after': 'hostDownAfter',
  'lease-rest': 'leaseRest',
  'overcommit-cpu': 'overcommitCpu',
  'overcommit-memory': 'overcommitMemory',
  'encrypt-networks': 'encryptNetworks',
  'publish-mode': 'publishMode',
  'drain-time': 'drainTime',
  'body-limit': 'bodyLimit',
  'log-level': 'logLevel',
  reschedule: 'reschedule',
} as const;

/** One of LIVE. */
export type LiveName = keyof typeof FIELDS;
/** The values of the settings that can be changed while the cluster runs. */
export type LiveSettings = Pick<SchedulerConfig, (typeof FIELDS)[LiveName]>;
/** Names of the settings that can be changed while the cluster runs. */
export const LIVE = Object.keys(FIELDS) as readonly LiveName[];

/** Parses a setting. Throws `invalid` with the nearest name, or with the allowed values. */
export function liveValue(name: string, text: string): { readonly name: LiveName; readonly value: unknown } {
  const live = LIVE.find((known) => known === name);
  if (live === undefined) throw new ArpanetError('invalid', refusalOf(name));
  const result = schemas.scheduler.shape[FIELDS[live]].safeParse(text);
  const [issue] = result.error?.issues ?? [];
  if (issue !== undefined) throw new ArpanetError('invalid', `${name}: ${messageOf(issue)}`);
  return { name: live, value: result.data };
}

function refusalOf(name: string): string {
  const option = OPTIONS.find((known) => known.name === name);
  const all = `settings that can be changed at run time: ${LIVE.join(', ')}`;
  if (option === undefined) return `unknown setting "${name}": ${hint(name, LIVE)} (${all})`;
  return `${name} cannot be changed at run time: restart arpanet ${Object.keys(option.commands).join(', ')} with --${name} (${all})`;
}

/** Settings of the cluster override those that a process was started with, except stored ones that this release cannot parse. */
export function withLive(own: LiveSettings, kept: Readonly<Record<string, string>>): LiveSettings {
  const place = { kind: 'setting', of: "the cluster's settings" };
  const read = each(
    place,
    Object.entries(kept),
    ([name]) => name,
    ([name, text]) => {
      const { name: live, value } = liveValue(name, text);
      return [FIELDS[live], value] as const;
    },
  );
  return { ...own, ...(Object.fromEntries(read) as Partial<LiveSettings>) };
}

/** As a user would write it. */
export function liveText(name: LiveName, settings: LiveSettings): string {
  const value = settings[FIELDS[name]];
  if (typeof value === 'string') return value;
  if (name.startsWith('overcommit-')) return String(value);
  if (name !== 'body-limit') return formatMs(value);
  return formatSize(value);
}
