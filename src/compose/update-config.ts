/** `deploy.update_config` as the settings of a rolling update; the defaults of compose-spec (deploy.md) where they are not ours. Pure. */
import { ArpanetError, type Json, UPDATE_DEFAULTS, type UpdateSettings } from '../model/index.ts';
import { type Definition, isMap } from './normalize.ts';
import { nanosecondsOf, textOf } from './values.ts';

const map = (value: unknown): Json => (isMap(value) ? value : {});
const ACTIONS = ['rollback', 'pause', 'continue'] as const;

/** Throws `invalid`. */
export function updateOf(definition: Definition): UpdateSettings {
  const {
    parallelism,
    delay,
    failure_action: action,
    monitor,
    max_failure_ratio: ratio,
    order,
  } = map(map(definition['deploy'])['update_config']);
  const refused = (key: string, why: string) => new ArpanetError('invalid', `deploy.update_config.${key}: ${why}`);
  const milliseconds = (value: unknown) => Math.round(nanosecondsOf(value) / 1e6);
  const count = Number(parallelism ?? 1);
  if (!Number.isInteger(count) || count < 0)
    throw refused('parallelism', `"${textOf(parallelism)}" is no whole number from 0 (all at once)`);
  const onFailure = ACTIONS.find((one) => one === (action ?? UPDATE_DEFAULTS.onFailure));
  if (onFailure === undefined) throw refused('failure_action', `it is one of ${ACTIONS.join(', ')}`);
  if (Number(ratio ?? 0) !== 0)
    throw refused('max_failure_ratio', 'the update fails at the first instance that fails its health check: remove this key');
  return {
    ...UPDATE_DEFAULTS,
    parallelism: count,
    delayMs: milliseconds(delay ?? '0s'),
    onFailure,
    order: order === 'start-first' ? 'start-first' : 'stop-first',
    ...(monitor === undefined ? {} : { monitorMs: milliseconds(monitor) }),
  };
}
