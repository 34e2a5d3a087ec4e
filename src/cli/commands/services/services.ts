/** The commands for services: ls, ps, scale, update, rollback, stop, start, restart, rm. Effects: HTTP requests, the terminal. */
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { engineError, engineOpen, engineTarget, lines } from '../../../engine/index.ts';
import { ArpanetError } from '../../../model/index.ts';
import { instanceTable, type ServiceReport, serviceTable } from '../../../operator-api/index.ts';
import { httpEndpoint } from '../cluster/status.ts';
import { startProgress } from '../../output/progress.ts';

interface Flags {
  readonly endpoint?: string;
  readonly json?: boolean;
}

interface UpdateFlags extends Flags {
  readonly image?: string;
  readonly env?: readonly string[];
  readonly force?: boolean;
  readonly parallelism?: string;
  readonly delay?: string;
  readonly order?: string;
  readonly onFailure?: string;
  readonly monitor?: string;
  readonly drainTime?: string;
}

const SERVICES = 'a deployment (abc), a service (abc/web, abc_web, or web where that is clear)';

/** Adds them to `root`. `env` is the process's environment. */
export function addServiceCommands(
  root: Command,
  env: Readonly<Record<string, string | undefined>>,
  out: (text: string) => void,
  say: (line: string) => void,
): void {
  const command = (words: string, summary: string, examples: readonly string[]) =>
    root
      .command(words)
      .description(summary)
      .option('--endpoint <ADDRESS>', 'tcp://HOST:PORT of any scheduler (env ARPANET_ENDPOINT, else DOCKER_HOST)')
      .option('--json', 'print JSON')
      .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`)
      .exitOverride();
  const baseOf = ({ endpoint }: Flags) => httpEndpoint(endpoint ?? env['ARPANET_ENDPOINT'] ?? env['DOCKER_HOST'] ?? 'tcp://127.0.0.1:2375');
  const show = async (flags: Flags, of: string | undefined, text: (services: readonly ServiceReport[]) => string) => {
    const services = await getServices(baseOf(flags), of);
    out(`${flags.json === true ? JSON.stringify(services, undefined, 2) : text(services)}\n`);
  };
  const work = async (flags: Flags, path: string, body: unknown) => {
    const result = await inLines(`${baseOf(flags)}/arpanet/v1/${path}`, body, flags.json === true ? silent : say);
    if (flags.json === true) out(`${JSON.stringify(result, undefined, 2)}\n`);
    return result;
  };

  command('ls', 'the services of all deployments, their counts, what is off', ['arpanet ls', 'arpanet ls --json']).action(
    async (flags: Flags) => show(flags, undefined, serviceTable),
  );
  command('ps [service]', 'instances, where they run, their addresses', ['arpanet ps', 'arpanet ps abc', 'arpanet ps abc/web']).action(
    async (of: string | undefined, flags: Flags) => show(flags, of, instanceTable),
  );
  command('scale <service=count...>', 'set how many instances services have; the count is held from then on', [
    'arpanet scale abc/pricing=5',
    'arpanet scale abc/pricing=5 web+2 worker-1',
  ]).action(async (wishes: readonly string[], flags: Flags) => void (await work(flags, 'services/scale', { wishes })));
  for (const [name, summary] of [
    ['stop', 'stop instances; they stay stopped until started'],
    ['start', 'start stopped instances'],
    ['restart', 'restart instances, out of DNS meanwhile'],
    ['rm', 'remove services, or a whole deployment with its networks'],
  ] as const) {
    command(`${name} <service...>`, `${summary}: ${SERVICES}`, [`arpanet ${name} abc`, `arpanet ${name} abc/web abc/worker`]).action(
      async (services: readonly string[], flags: Flags) => void (await work(flags, `services/${name}`, { services })),
    );
  }
  command('update <service>', 'replace the instances of a service, a few at a time, each good before the next', [
    'arpanet update abc/web --image web:2',
    'arpanet update abc/web --env LOG=debug --parallelism 2 --delay 5s --order stop-first',
    'arpanet update abc/web --force',
  ])
    .option('--image <IMAGE>', 'the image to run')
    .option('--env <NAME=VALUE>', 'add or replace a variable', (value: string, before: string[] | undefined) => [...(before ?? []), value])
    .option('--force', 'replace instances even if nothing differs')
    .option('--parallelism <N>', 'instances at once; 0: all')
    .option('--delay <TIME>', 'between batches: 500ms, 5s, 1m')
    .addOption(new Option('--order <ORDER>', 'what comes first').choices(['start-first', 'stop-first']))
    .addOption(new Option('--on-failure <ACTION>', 'when a fresh instance is no good').choices(['rollback', 'pause', 'continue']))
    .option('--monitor <TIME>', 'how long a fresh instance without a health check must run')
    .option('--drain-time <TIME>', 'between leaving DNS and the stop')
    .action(async (service: string, flags: UpdateFlags) => {
      const { image, env: variables, force } = flags;
      const settings = settingsOf(flags);
      if (image === undefined && variables === undefined && force !== true && Object.keys(settings).length === 0)
        throw new ArpanetError(
          'invalid',
          'nothing to change: give --image, --env, --force, or how it is updated (--parallelism, --delay, --order, --on-failure, --monitor, --drain-time)',
        );
      ended(await work(flags, 'services/update', { services: [service], image, env: variables, force, settings }));
    });
  command('rollback <service>', 'go back to what the service was before its last update', ['arpanet rollback abc/web']).action(
    async (service: string, flags: Flags) => ended(await work(flags, 'services/rollback', { services: [service] })),
  );
}

/** An update that ended otherwise than completed is a failure of the command. */
export function ended(result: unknown): void {
  const status = result as { readonly state?: string; readonly message?: string } | null;
  if (status?.state !== undefined && !status.state.endsWith('completed'))
    throw new ArpanetError('conflict', status.message ?? status.state);
  if (status?.state === 'rollback_completed' && status.message?.startsWith('update failed') === true)
    throw new ArpanetError('conflict', `rolled back: ${status.message}`);
}

function settingsOf(flags: UpdateFlags): Record<string, unknown> {
  const parallelism = flags.parallelism === undefined ? undefined : Number(flags.parallelism);
  if (parallelism !== undefined && !(Number.isInteger(parallelism) && parallelism >= 0))
    throw new ArpanetError('invalid', `--parallelism is "${flags.parallelism ?? ''}": it must be a whole number from 0 (all at once)`);
  const settings = {
    parallelism,
    delayMs: time('--delay', flags.delay),
    order: flags.order,
    onFailure: flags.onFailure,
    monitorMs: time('--monitor', flags.monitor),
    drainMs: time('--drain-time', flags.drainTime),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function time(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(value) ?? [];
  if (digits === undefined) throw new ArpanetError('invalid', `${flag} is "${value}": write a time as 500ms, 5s or 1m`);
  return Number(digits) * (unit === 'ms' ? 1 : unit === 's' ? 1_000 : 60_000);
}

async function getServices(base: string, of: string | undefined): Promise<readonly ServiceReport[]> {
  const answer = await reach(base, {
    method: 'GET',
    path: `/arpanet/v1/services${of === undefined ? '' : `?of=${encodeURIComponent(of)}`}`,
  });
  return (await json(answer)) as readonly ServiceReport[];
}

/** With --json: progress is not told. */
export const silent = (): void => undefined;

/** Says each progress line; the result of the last. */
export async function inLines(url: string, body: unknown, say: (line: string) => void): Promise<unknown> {
  const progress = startProgress(say === silent ? {} : process.stderr, say);
  // The leader goes on with what it was asked: who does not wait for it is told so.
  const left = (): void => {
    progress.say('not waited for any longer: the cluster goes on with it, and "arpanet status" and "arpanet ps" show how far it is');
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', left);
  return readLines(url, body, progress.say).finally(() => {
    process.off('SIGINT', left);
    progress.end();
  });
}

const INTERRUPTED = 130;

async function readLines(url: string, body: unknown, say: (line: string) => void): Promise<unknown> {
  const { origin, pathname, search } = new URL(url);
  const answer = await reach(origin, { method: 'POST', path: pathname + search, body });
  if (answer.headers['content-type']?.includes('ndjson') !== true) return json(answer);
  try {
    for await (const text of lines(answer)) {
      const line = JSON.parse(text) as { readonly progress?: string; readonly result?: unknown; readonly error?: string };
      if (line.progress !== undefined) say(line.progress);
      else if (line.error !== undefined) throw new ArpanetError('conflict', line.error);
      else return line.result;
    }
  } catch (error) {
    if (error instanceof ArpanetError) throw error;
    throw wentAway(error);
  }
  throw wentAway(undefined);
}

const wentAway = (cause: unknown) =>
  new ArpanetError('unavailable', 'the leader went away before it was done: "arpanet ps" shows what there is; what was begun goes on', {
    cause,
  });

/** However long the answer takes: an image may have to be pulled first. */
async function reach(
  base: string,
  call: { readonly method: string; readonly path: string; readonly body?: unknown },
): Promise<IncomingMessage> {
  const answer = await engineOpen(engineTarget(base), call).catch((cause: unknown) => {
    throw new ArpanetError(
      'unavailable',
      `no scheduler answers at ${base}: is one running there? (arpanet up, or arpanet scheduler --listen …)`,
      { cause },
    );
  });
  const status = answer.statusCode ?? 0;
  if (status < 400) return answer;
  const { message } = engineError(status, (await buffer(answer)).toString());
  throw new ArpanetError(status === 400 || status === 404 ? 'invalid' : 'unavailable', message);
}

const json = async (answer: IncomingMessage): Promise<unknown> => JSON.parse((await buffer(answer)).toString());
