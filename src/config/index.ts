/**
 * Job: the settings of one process, as one frozen typed object.
 * In: flags, environment, a reader for the YAML file. Out: the command's settings, or `invalid` with the flag, variable or line that is wrong.
 * Invariants: flags precede environment, file and defaults; an unknown setting is refused with the nearest known one; nothing else reads the environment.
 */
export { LIVE, liveText, liveValue, type LiveName, type LiveSettings, withLive } from './live.ts';
export { loadConfig } from './load.ts';
export { SAMPLED, sampleFile } from './sample.ts';
export { storeUrl } from './values.ts';
export { COMMANDS, type Command, OPTIONS, optionsOf } from './options.ts';
export type { ConfigOf, SchedulerConfig, UpConfig } from './schemas.ts';
