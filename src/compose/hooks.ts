/** A service's `post_start` and `pre_stop` -> the label by which the cluster runs them (docker/compose pkg/compose/hook.go). Pure. */
import { ArpanetError, type Json, labels } from '../model/index.ts';
import type { Hook, HookTime, Hooks } from '../text/hooks-label.ts';
import { type Definition, isMap } from './normalize.ts';
import { textOf, wordsOf } from './values.ts';

const TIMES: readonly HookTime[] = ['post_start', 'pre_stop'];

/** Empty for a service without. Throws `invalid` for one without a command. */
export function hookLabels(
  definition: Definition,
  variables: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const hooks: Hooks = Object.fromEntries(
    TIMES.flatMap((time) => {
      const list = definition[time];
      return Array.isArray(list) && list.length > 0 ? [[time, list.map((one) => hookOf(time, isMap(one) ? one : {}, variables))]] : [];
    }),
  );
  return Object.keys(hooks).length === 0 ? {} : { [labels.hooks]: JSON.stringify(hooks) };
}

function hookOf(time: HookTime, entry: Json, variables: Readonly<Record<string, string | undefined>>): Hook {
  const command = entry['command'] === undefined ? [] : wordsOf(entry['command']);
  if (command.length === 0) throw new ArpanetError('invalid', `${time}: a command is missing`);
  const { user, privileged, working_dir: workingDir, environment } = entry;
  const env = pairsOf(environment).flatMap(([name, value]) => {
    const given = value ?? variables[name];
    return given === undefined ? [] : [`${name}=${given}`];
  });
  return {
    command,
    ...(user === undefined ? {} : { user: textOf(user) }),
    ...(privileged === true || privileged === 'true' ? { privileged: true as const } : {}),
    ...(workingDir === undefined ? {} : { workingDir: textOf(workingDir) }),
    ...(env.length === 0 ? {} : { env }),
  };
}

/** `["A=1", "B"]` or `{A: 1, B: null}`. */
function pairsOf(value: unknown): readonly (readonly [string, string | undefined])[] {
  if (isMap(value)) return Object.entries(value).map(([name, one]) => [name, one === null ? undefined : textOf(one)]);
  return (Array.isArray(value) ? value.map(textOf) : []).map((text) => {
    const at = text.indexOf('=');
    return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  });
}
