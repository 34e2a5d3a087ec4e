/**
 * Commands that run in an instance after its start and before its stop, as the label `arpanet.hooks` has them: JSON, `{"post_start":[{"command":["warm","up"]}]}`.
 * Source: compose-spec 05-services.md, `post_start` and `pre_stop`; docker/compose pkg/compose/hook.go, `runHook`.
 */

/** When a command runs: after a start, before a stop. */
export type HookTime = 'post_start' | 'pre_stop';

/** One command in a container that runs. */
export interface Hook {
  readonly command: readonly string[];
  /** Absent: the container's. */
  readonly user?: string;
  readonly privileged?: true;
  readonly workingDir?: string;
  /** `A=1`, beside the container's own. */
  readonly env?: readonly string[];
}

/** By the time at which they run, in order. */
export type Hooks = Readonly<Partial<Record<HookTime, readonly Hook[]>>>;

const TIMES: readonly string[] = ['post_start', 'pre_stop'];
const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((one) => typeof one === 'string');
const isAbsentOr = (value: unknown, type: 'string' | 'boolean'): boolean => value === undefined || typeof value === type;

/** Undefined: it cannot be read. */
export function parseHooks(text: string): Hooks | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isHooks(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

const isHooks = (value: unknown): value is Hooks =>
  isMap(value) && Object.entries(value).every(([time, list]) => TIMES.includes(time) && Array.isArray(list) && list.every(isHook));

function isHook(value: unknown): value is Hook {
  if (!isMap(value)) return false;
  const { command, user, privileged, workingDir, env = [] } = value;
  return (
    isTexts(command) &&
    command.length > 0 &&
    isTexts(env) &&
    isAbsentOr(user, 'string') &&
    isAbsentOr(workingDir, 'string') &&
    isAbsentOr(privileged, 'boolean')
  );
}

/** The body of `POST /containers/{id}/exec` (Docker API v1.24). */
export function execOf({ command, user, privileged, workingDir, env }: Hook): Readonly<Record<string, unknown>> {
  return {
    Cmd: command,
    ...(user === undefined ? {} : { User: user }),
    ...(privileged === undefined ? {} : { Privileged: true }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    ...(env === undefined ? {} : { Env: env }),
  };
}

/** For messages about it. */
export const hookName = (container: string, time: HookTime, { command }: Hook): string =>
  `${container}: ${time} command "${command.join(' ').slice(0, 80)}"`;
