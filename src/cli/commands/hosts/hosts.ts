/** The commands for hosts: hosts ls, inspect, add, update, rm, drain, activate, clean, reset, fillup; and rebalance. Effects: HTTP requests, the terminal. */
import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { isIP } from 'node:net';
import { hint } from '../../../config/nearest.ts';
import { ArpanetError } from '../../../model/index.ts';
import {
  type CleanReport,
  cleanText,
  type HostDetail,
  hostDetailText,
  type HostReport,
  hostsTable,
  type RebalanceReport,
  rebalanceText,
  type StatusReport,
} from '../../../operator-api/index.ts';
import { type AskingFlags, askingCommand, endpointOf, type Terminal } from '../../api-client.ts';
import { httpEndpoint } from '../cluster/status.ts';
import { joinLine, labelsOf, type LimitFlags, limitsOf } from './values.ts';
import { inLines, silent } from '../services/services.ts';

interface AddFlags extends AskingFlags, LimitFlags {
  readonly address?: string;
  readonly label?: readonly string[];
  readonly availability?: string;
}

interface UpdateFlags extends AskingFlags, LimitFlags {
  readonly labelAdd?: readonly string[];
  readonly labelRm?: readonly string[];
  readonly availability?: string;
}

interface CleanFlags extends AskingFlags {
  readonly all?: boolean;
  readonly volumes?: boolean;
  readonly networks?: boolean;
  readonly plan?: boolean;
  readonly yes?: boolean;
}

interface RebalanceFlags extends AskingFlags {
  readonly plan?: boolean;
  readonly max?: string;
  readonly onto?: string;
}

interface Stays {
  readonly moved: readonly unknown[];
  readonly stays: readonly { readonly container: string; readonly why: string }[];
}

interface Drained extends Stays {
  readonly ended: readonly string[];
}

const drainedText = ({ moved, ended, stays }: Drained): string =>
  [
    `${moved.length} moved`,
    ...(ended.length > 0 ? [`${ended.length} ended`] : []),
    `${stays.length} stay${stays.length === 1 ? 's' : ''}`,
  ].join(', ');

const several = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value];
const withLimits = (command: Command) =>
  command
    .option('--cpus <N>', 'cores that the cluster may reserve there; none: all')
    .option('--memory <SIZE>', 'memory that the cluster may reserve there, as 2g; none: all')
    .option('--max-containers <N>', 'containers that may run there; none: any number');

/** `hosts` is the command that lists them; `list` is what it does. */
export function addHostCommands(
  root: Command,
  hosts: Command,
  terminal: Terminal,
  list: (flags: Record<string, unknown>, show: (reports: readonly HostReport[]) => string) => Promise<void>,
): void {
  const { env, out, say } = terminal;
  const at = (path: string, host: string) => `/arpanet/v1/hosts/${encodeURIComponent(host)}${path}`;
  const print = <T>(flags: AskingFlags, value: T, text: (value: T) => string) =>
    out(`${flags.json === true ? JSON.stringify(value, undefined, 2) : text(value)}\n`);
  const baseOf = ({ endpoint }: AskingFlags) =>
    httpEndpoint(endpoint ?? env['ARPANET_ENDPOINT'] ?? env['DOCKER_HOST'] ?? 'tcp://127.0.0.1:2375');
  const work = async <T>(flags: AskingFlags, path: string, body: object): Promise<T> =>
    (await inLines(`${baseOf(flags)}${path}`, body, flags.json === true ? silent : say)) as T;
  const verb = (words: string, summary: string, examples: readonly string[]) => askingCommand(hosts, words, summary, examples);

  const show = async (host: string | undefined, flags: Record<string, unknown>) =>
    list(flags, (reports) => {
      const wanted = reports.filter((one) => host === undefined || one.name === host);
      const verbs = hosts.commands.map((one) => one.name());
      if (host !== undefined && wanted.length === 0)
        throw new ArpanetError(
          'invalid',
          `"${host}" is neither a host nor what can be done with hosts (${verbs.join(', ')}); ${hint(host, [...verbs, ...reports.map((one) => one.name)])}`,
        );
      return flags['json'] === true ? JSON.stringify(wanted, undefined, 2) : hostsTable(wanted);
    });
  // What stands after a verb is the verb's: `hosts` has a --json of its own.
  root.enablePositionalOptions();
  hosts.enablePositionalOptions().argument('[host]', 'only this one').usage('[options] [host]\n       arpanet hosts VERB …').action(show);
  verb('ls [host]', 'the hosts with their state, live load, reservations and labels', [
    'arpanet hosts ls',
    'arpanet hosts ls h1 --json',
  ]).action(show);

  verb('inspect <host>', 'all that is known of a host: facts, load, networks, containers, addresses, why it is off', [
    'arpanet hosts inspect h1',
    'arpanet hosts inspect h1 --json | jq .leases',
  ]).action(async (host: string, flags: AskingFlags) => {
    print(flags, await endpointOf(flags, env).json<HostDetail>(at('', host)), hostDetailText);
  });

  withLimits(
    verb('add <name>', 'let a host join by this name, and say what to type there', [
      'arpanet hosts add db-1 --address 10.0.0.11 --label disk=ssd',
      'arpanet hosts add small-1 --memory 2g --max-containers 10',
      'arpanet hosts add h3   # one that was removed may join again',
    ]),
  )
    .option('--address <IP>', 'only a host at this address may join by the name')
    .option('--label <KEY=VALUE>', 'a label that it has from the start; may be given several times', several)
    .addOption(new Option('--availability <STATE>', 'pause: it takes no containers until activated').choices(['active', 'pause']))
    .action(async (name: string, flags: AddFlags) => {
      const { address, availability } = flags;
      if (address !== undefined && isIP(address) === 0)
        throw new ArpanetError('invalid', `--address is "${address}": it is the IP address at which the other hosts reach it`);
      const body = { name, address, availability, labels: labelsOf(flags.label), limits: limitsOf(flags) };
      const added = await work<{ readonly host: string; readonly joined: boolean }>(flags, '/arpanet/v1/hosts', body);
      const endpoint = endpointOf(flags, env);
      const [{ token }, { leader }] = await Promise.all([
        endpoint.json<{ readonly token: string }>('/arpanet/v1/token'),
        endpoint.json<StatusReport>('/arpanet/v1/status'),
      ]);
      const command = joinLine({ name, ...(address === undefined ? {} : { address }) }, [leader.url], token);
      print(flags, { ...added, command }, () =>
        added.joined
          ? `${name} has joined`
          : `On that machine, as root (it needs Docker, and port 2376 open to schedulers and hosts):\n\n  ${command}\n\n"arpanet hosts" shows it once it has joined.`,
      );
    });

  withLimits(
    verb('update <host>', 'change labels, limits or availability; limits may not go below what is there', [
      'arpanet hosts update h1 --label-add disk=ssd --label-rm old',
      'arpanet hosts update h1 --cpus 1.5 --memory 4g --max-containers 20',
      'arpanet hosts update h1 --memory none --availability pause',
    ]),
  )
    .option('--label-add <KEY=VALUE>', 'set a label over the agent’s own; may be given several times', several)
    .option('--label-rm <KEY>', 'take a label away; may be given several times', several)
    .addOption(new Option('--availability <STATE>', 'whether it takes new containers').choices(['active', 'pause']))
    .action(async (host: string, flags: UpdateFlags) => {
      const body = { availability: flags.availability, labels: labelsOf(flags.labelAdd, flags.labelRm), limits: limitsOf(flags) };
      if (body.availability === undefined && Object.keys({ ...body.labels, ...body.limits }).length === 0)
        throw new ArpanetError(
          'invalid',
          'nothing to change: give --label-add, --label-rm, --cpus, --memory, --max-containers or --availability',
        );
      await work(flags, at('/update', host), body);
      const detail = await endpointOf(flags, env).json<HostDetail>(at('', host));
      print(flags, detail, (one) => hostsTable([one]));
    });

  verb('rm <host...>', 'take a host out of the cluster; its agent is refused until it is added again', [
    'arpanet drain h3 && arpanet hosts rm h3',
    'arpanet hosts rm h3 --force   # a dead host: what it held is given up, and held services come up elsewhere',
  ])
    .option('--force', 'also when it holds containers (removed, where it still answers) or volumes (forgotten)')
    .action(async (names: readonly string[], flags: AskingFlags & { readonly force?: boolean }) => {
      const results: unknown[] = [];
      for (const name of names) results.push(await work(flags, at('/rm', name), { force: flags.force === true }));
      if (flags.json === true) print(flags, results, String);
    });

  for (const parent of [root, hosts]) {
    const words = parent === hosts ? 'hosts ' : '';
    askingCommand(parent, 'drain <host>', 'move what can move off a host; it takes no new containers (exit code 1 if something stays)', [
      `arpanet ${words}drain h1`,
    ]).action(async (host: string, flags: AskingFlags) => {
      const done = await work<Drained>(flags, at('/drain', host), {});
      print(flags, done, () => `${host}: ${drainedText(done)}`);
      if (done.stays.length > 0) process.exitCode = 1;
    });
    askingCommand(parent, 'activate <host>', 'let a host take new containers again', [`arpanet ${words}activate h1`]).action(
      async (host: string, flags: AskingFlags) => {
        print(flags, await work<unknown>(flags, at('/activate', host), {}), () => `${host} takes containers`);
      },
    );
  }

  verb('clean <host...>', 'take away what nobody uses there: ended one-off containers, nameless images, the build cache', [
    'arpanet hosts clean h1 --plan',
    'arpanet hosts clean h1 h2 --all --volumes --yes',
  ])
    .option('-a, --all', 'all images that no container there uses, not only nameless ones')
    .option('--volumes', 'volumes without a name that no container has, too')
    .option('--networks', 'networks of its own Engine that nobody is on, too')
    .option('--plan', 'say what would go, and change nothing')
    .option('-y, --yes', 'do not ask')
    .action(async (names: readonly string[], flags: CleanFlags) => {
      const wish = { all: flags.all === true, volumes: flags.volumes === true, networks: flags.networks === true };
      const query = new URLSearchParams(Object.entries(wish).map(([key, value]): [string, string] => [key, String(value)]));
      const plans: CleanReport[] = [];
      for (const name of names) plans.push(await endpointOf(flags, env).json<CleanReport>(at(`/clean?${query.toString()}`, name)));
      if (flags.plan === true) return print(flags, plans, (all) => all.map(cleanText).join('\n'));
      if (flags.json !== true) for (const plan of plans) say(cleanText(plan));
      if (flags.yes !== true) await confirmed();
      const results: { readonly host: string; readonly reclaimedBytes: number; readonly kept: readonly string[] }[] = [];
      for (const name of names) results.push(await work(flags, at('/clean', name), wish));
      print(flags, results, (all) =>
        all
          .flatMap(({ host, reclaimedBytes, kept }) => [
            ...kept.map((what) => `${host}: kept ${what}`),
            `${host}: ${Math.round(reclaimedBytes / 1e4) / 100} MB reclaimed`,
          ])
          .join('\n'),
      );
    });

  verb(
    'reset <host>',
    'bring a host back to as new: our networks and devices go, and its agent tells everything anew; labels and limits stay',
    ['arpanet hosts drain h1; arpanet hosts reset h1', 'arpanet hosts reset h1 --force   # its containers go, too'],
  )
    .option('--force', 'also with containers there: they are removed')
    .action(async (host: string, flags: AskingFlags & { readonly force?: boolean }) => {
      const done = await work<unknown>(flags, at('/reset', host), { force: flags.force === true });
      if (flags.json === true) print(flags, done, String);
    });

  verb('fillup <host>', 'take containers again, go on with what is paused there, and take work over from fuller hosts', [
    'arpanet hosts fillup h3',
  ]).action(async (host: string, flags: AskingFlags) => {
    const done = await work<Stays>(flags, at('/fillup', host), {});
    print(flags, done, () => `${done.moved.length} moved to ${host}`);
  });

  askingCommand(root, 'rebalance', 'the fewest moves that make hosts evenly full; no service ever has fewer instances than before', [
    'arpanet rebalance --plan',
    'arpanet rebalance --max 3',
    'arpanet rebalance --onto h3',
  ])
    .option('--plan', 'say what would move, and change nothing')
    .option('--max <N>', 'move at most so many')
    .option('--onto <HOST>', 'only to this host')
    .action(async (flags: RebalanceFlags) => {
      const wish = { ...(flags.max === undefined ? {} : { max: flags.max }), ...(flags.onto === undefined ? {} : { onto: flags.onto }) };
      if (flags.plan === true) {
        const query = new URLSearchParams(wish).toString();
        return print(flags, await endpointOf(flags, env).json<RebalanceReport>(`/arpanet/v1/rebalance?${query}`), rebalanceText);
      }
      const done = await work<Stays>(flags, '/arpanet/v1/rebalance', wish);
      print(flags, done, () => `${done.moved.length} moved`);
      if (done.stays.length > 0) process.exitCode = 1;
    });
}

/** Throws `invalid` where nobody can be asked, and when the answer is no. */
async function confirmed(): Promise<void> {
  if (!process.stdin.isTTY) throw new ArpanetError('invalid', 'nobody can be asked here: give --yes, or --plan to look only');
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asking.question('Go on? [y/N] ');
  asking.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new ArpanetError('invalid', 'nothing was changed');
}
