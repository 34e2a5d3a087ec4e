/** The commands that look: explain, ip ls, dns ls, events, logs. Effects: HTTP requests, the terminal. */
import { type CompletedCommand, completions } from '../../completion.ts';
import type { Command } from 'commander';
import type { Decision, EngineEvent, NamedInstance, OutsideName } from '../../../model/index.ts';
import { ArpanetError } from '../../../model/index.ts';
import { addressesText, eventText, explainText, nameReports, namesText, type NetworkReport } from '../../../operator-api/index.ts';
import { type AskingFlags, askingCommand, endpointOf, type Terminal } from '../../api-client.ts';
import { showLogs } from './logs.ts';

interface EventFlags extends AskingFlags {
  readonly filter?: readonly string[];
  readonly since?: string;
  readonly until?: string;
}

interface LogFlags extends AskingFlags {
  readonly follow?: boolean;
  readonly tail: string;
  readonly timestamps?: boolean;
}

/** Of every command below `root`: what can stand after it. */
function completed(command: Command, before: string): CompletedCommand[] {
  return command.commands.flatMap((one) => {
    const words = `${before}${one.name()}`;
    if (one.commands.length > 0) return completed(one, `${words} `);
    const options = one.options.flatMap((option) => (option.long === undefined || option.long === null ? [] : [option.long]));
    return [{ words, summary: one.description(), options }];
  });
}

export function addLookCommands(root: Command, terminal: Terminal): void {
  const { env, out } = terminal;
  const show = <T>(flags: AskingFlags, value: T, text: (value: T) => string) =>
    out(`${flags.json === true ? JSON.stringify(value, undefined, 2) : text(value)}\n`);

  askingCommand(
    root,
    'explain <container>',
    'why a container is on its host: who fitted, with which scores; who was refused, by which rule',
    [
      'arpanet explain abc-web-2',
      'arpanet explain web-2   # where one deployment has it',
      'arpanet explain abc-web-2 --json | jq .refused',
    ],
  ).action(async (reference: string, flags: AskingFlags) => {
    const path = `/arpanet/v1/explain/${encodeURIComponent(reference)}`;
    const decision = await endpointOf(flags, env).json<Decision & { readonly container: string }>(path);
    show(flags, decision, (one) => explainText(one.container, one));
  });

  const ip = root.command('ip').description('addresses').exitOverride();
  askingCommand(ip, 'ls', 'networks, their subnets, and who holds which address', ['arpanet ip ls', 'arpanet ip ls --json']).action(
    async (flags: AskingFlags) => {
      const networks = await endpointOf(flags, env).json<readonly NetworkReport[]>('/arpanet/v1/networks');
      show(flags, networks, addressesText);
    },
  );

  const dns = root.command('dns').description('names').exitOverride();
  askingCommand(dns, 'ls', 'the names that DNS answers, with their addresses', ['arpanet dns ls', 'arpanet dns ls --json']).action(
    async (flags: AskingFlags) => {
      const endpoint = endpointOf(flags, env);
      const [instances, outside] = await Promise.all([
        endpoint.json<readonly NamedInstance[]>('/arpanet/v1/names'),
        endpoint.json<readonly OutsideName[]>('/arpanet/v1/records'),
      ]);
      show(flags, nameReports(instances, outside), namesText);
    },
  );
  const said = (what: string) => (one: OutsideName) =>
    one.entries.map(({ type, value }) => `${one.name} ${type} ${value}${what}`).join('\n');
  askingCommand(dns, 'add <name> <type> <value...>', 'make a name for something outside: A, AAAA, CNAME, SRV or TXT', [
    'arpanet dns add outside.abc A 192.0.2.7        # the short name outside in deployment abc',
    'arpanet dns add billing.abc CNAME billing.example.com',
    'arpanet dns add _ldap._tcp.abc SRV 10 5 389 ldap.example.com',
  ]).action(async (name: string, type: string, value: readonly string[], flags: AskingFlags) => {
    const body = { name, type, value: value.join(' ') };
    show(flags, await endpointOf(flags, env).json<OutsideName>('/arpanet/v1/records', { method: 'POST', body }), said(''));
  });
  askingCommand(dns, 'rm <name> [type] [value...]', 'remove what was made by hand: a name, one type of it, or one record', [
    'arpanet dns rm outside.abc',
    'arpanet dns rm outside.abc A 192.0.2.7',
  ]).action(async (name: string, type: string | undefined, value: readonly string[], flags: AskingFlags) => {
    const body = { name, type, ...(value.length === 0 ? {} : { value: value.join(' ') }) };
    show(flags, await endpointOf(flags, env).json<OutsideName>('/arpanet/v1/records/rm', { method: 'POST', body }), said(': removed'));
  });

  askingCommand(root, 'events', 'what happens in the whole cluster, as it happens', [
    'arpanet events',
    'arpanet events --filter type=container --filter event=die',
    'arpanet events --since 10m --until 0s --json',
  ])
    .option('--filter <KEY=VALUE>', 'as docker events takes them', (value: string, before: string[] | undefined) => [
      ...(before ?? []),
      value,
    ])
    .option('--since <TIME>', 'a time, or how long ago: 10m')
    .option('--until <TIME>', 'a time, or how long ago')
    .action(async (flags: EventFlags) => {
      const query = new URLSearchParams();
      const filters: Record<string, string[]> = {};
      for (const filter of flags.filter ?? []) {
        const [, key, value] = /^([^=]+)=(.+)$/.exec(filter) ?? [];
        if (key === undefined || value === undefined)
          throw new ArpanetError('invalid', `--filter is "${filter}": write KEY=VALUE, as type=container`);
        (filters[key] ??= []).push(value);
      }
      if (flags.filter !== undefined) query.set('filters', JSON.stringify(filters));
      if (flags.since !== undefined) query.set('since', moment('--since', flags.since));
      if (flags.until !== undefined) query.set('until', moment('--until', flags.until));
      const feed = endpointOf(flags, env).feed<EngineEvent>(`/events?${query.toString()}`, new AbortController().signal);
      for await (const event of feed) out(`${flags.json === true ? JSON.stringify(event) : eventText(event)}\n`);
    });

  askingCommand(
    root,
    'logs [service]',
    'the logs of all instances in one stream: of a deployment (abc), a service (abc/web), or a container',
    ['arpanet logs abc', 'arpanet logs abc/web -f --tail 10', 'arpanet logs'],
  )
    .option('-f, --follow', 'go on as lines come; new instances and moved ones are taken up')
    .option('-n, --tail <LINES>', 'so many of the last lines of each', 'all')
    .option('-t, --timestamps', 'with the time of each line')
    .action(async (of: string | undefined, flags: LogFlags) =>
      showLogs(
        endpointOf(flags, env),
        { of, follow: flags.follow === true, tail: flags.tail, timestamps: flags.timestamps === true },
        terminal,
      ),
    );

  root
    .command('completion <shell>')
    .description('completion for a shell (bash, zsh, fish), to be sourced')
    .addHelpText(
      'after',
      '\nExamples:\n  source <(arpanet completion bash)\n  source <(arpanet completion zsh)\n  arpanet completion fish | source',
    )
    .exitOverride()
    .action((shell: string) => {
      const script = Object.hasOwn(completions, shell) ? completions[shell] : undefined;
      if (script === undefined)
        throw new ArpanetError('invalid', `there is completion for ${Object.keys(completions).join(', ')}, not for ${shell}`);
      out(`${script(completed(root, ''))}\n`);
    });
}

/** `10m` ago, or a time, as seconds since 1970. */
function moment(flag: string, text: string): string {
  const [, count, unit = 's'] = /^(\d+)(s|m|h|d)?$/.exec(text) ?? [];
  const isEpoch = count !== undefined && count.length > 8;
  if (count !== undefined && !isEpoch)
    return String(
      (Date.now() - Number(count) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 's' | 'm' | 'h' | 'd']) / 1_000,
    );
  const ms = isEpoch ? Number(count) * 1_000 : Date.parse(text);
  if (Number.isNaN(ms))
    throw new ArpanetError('invalid', `${flag} is "${text}": write how long ago (10m), or a time (2026-11-20T14:00:00Z)`);
  return String(ms / 1_000);
}
