/** The commands that show the cluster: status, audit, token, doctor, explain, events, logs, top; declared here, each in a file of its own. */
import type { Command } from 'commander';
import { addClientCommand, type ClientFlags, several, type Terminal } from '../../command.ts';
import { addConfiguredCommand, type Flags } from '../../configured-command.ts';
import type { AuditLogFlags } from './audit-log.ts';
import type { EventFlags } from './events.ts';
import type { ExplainFlags } from './explain.ts';
import { addListCommand, type ListFlags } from '../../list.ts';
import type { LogFlags } from './logs.ts';
import type { PassFlags } from './token.ts';
import type { TopFlags } from './top.ts';
import type { UiFlags } from './ui.ts';
import type { UpgradeFlags } from './upgrade.ts';

export function addStatusCommands(root: Command, terminal: Terminal): void {
  addConfiguredCommand(
    root,
    'status',
    'show problems, leader, schedulers, store, hosts and deployments (exit code 3 if there is a problem)',
    ['arpanet status', 'arpanet status --watch', 'arpanet status --context prod --json'],
  )
    .option('-w, --watch', 'print it again whenever it changes, until Ctrl-C')
    .action(async (flags: Flags) => (await import('./status.ts')).showStatus(flags, terminal));
  addConfiguredCommand(
    root,
    'audit',
    'compare store, Engines, networks, names and catalog, and name each difference (exit code 1 if any is left)',
    [
      'arpanet audit',
      'arpanet audit --fix',
      'arpanet audit --discard arpanet/services/abc/web   # a record that cannot be read',
      'arpanet audit --json | jq .findings',
    ],
  ).action(async (flags: Flags) => (await import('./audit.ts')).showAudit(flags, terminal));
  addClientCommand(root, 'ui', 'print the link of the dashboard, which signs a browser in, and open it where there is a screen', [
    'arpanet ui',
    'arpanet ui --context prod --no-open',
  ])
    .option('--no-open', 'print the link, and open nothing')
    .action(async (flags: UiFlags) => (await import('./ui.ts')).openUi(flags, terminal));
  addTokenCommand(root, terminal);
  addClientCommand(
    root,
    'upgrade',
    "give all schedulers and hosts the leader's release, one after the other, and stop at the first that fails",
    [
      'arpanet upgrade --plan   # what would be done, and the line for each machine',
      'arpanet upgrade',
      'arpanet upgrade --drain   # what runs on a host is moved away before, and the host takes containers again afterwards',
      'arpanet upgrade --json | jq .left',
      'arpanet upgrade --confirm   # there is no way back to the release before',
    ],
  )
    .option('--plan', 'say what would be done, and what to run on each machine, in order')
    .option('--drain', 'move what runs on a host away before its step')
    .option('--force', 'take back hosts that have a higher release than the leader')
    .option('--confirm', 'let the state store have what the release before cannot read; refused while a scheduler of the cluster cannot')
    .action(async (flags: UpgradeFlags) => (await import('./upgrade.ts')).upgrade(flags, terminal));
}

/** Of a join token that ends by itself. */
export const withPassOptions = (command: Command): Command =>
  command
    .option('--single-use', 'make a join token that joins one host')
    .option('--ttl <TIME>', 'make a join token that joins hosts for this time, as 1h or 7d (with --single-use alone: 1d)');

function addTokenCommand(root: Command, terminal: Terminal): void {
  const token = addConfiguredCommand(root, 'token', 'print the join token that agents need, or make another', [
    'arpanet token',
    'arpanet token > join-token   # then: arpanet agent --token-file join-token …',
    'arpanet token --single-use --ttl 1h   # joins one host, within the hour',
    'arpanet token rotate',
  ]);
  withPassOptions(token)
    .enablePositionalOptions()
    .argument('[verb]')
    .usage('[options]\n       arpanet token rotate [options]')
    .action(async (verb: string | undefined, flags: Flags & PassFlags) => (await import('./token.ts')).showToken(verb, flags, terminal));
  addClientCommand(
    token,
    'rotate',
    'make another join token and print it; the one before joins nobody any more, and hosts that are in stay',
    ['arpanet token rotate > join-token', 'arpanet token rotate --json | jq -r .token'],
  ).action(async (flags: ClientFlags) => (await import('./token.ts')).rotateToken(flags, terminal));
}

export function addObservationCommands(root: Command, terminal: Terminal): void {
  addClientCommand(
    root,
    'explain <container>',
    'explain why a container is on its host: scores of the hosts that fit, and the rule that refused each other host',
    [
      'arpanet explain abc-web-2',
      'arpanet explain web-2   # if only one deployment has it',
      'arpanet explain abc-web-2 --json | jq .refused',
      'arpanet explain --timing abc-web-2',
    ],
  )
    .option('--timing', 'instead: how long each stage of its create took, and the id of the request')
    .action(async (reference: string, flags: ExplainFlags) => (await import('./explain.ts')).explain(reference, flags, terminal));

  addClientCommand(root, 'events', 'show what happens in the whole cluster, as it happens', [
    'arpanet events',
    'arpanet events --filter type=container --filter event=die',
    'arpanet events --since 10m --until 0s --json',
  ])
    .option('--filter <KEY=VALUE>', 'as docker events takes them; may be given several times', several)
    .option('--since <TIME>', 'a time, or how long ago: 10m')
    .option('--until <TIME>', 'a time, or how long ago')
    .action(async (flags: EventFlags) => (await import('./events.ts')).showEvents(flags, terminal));

  addListCommand(root, 'operations [id]', 'list the long work of the cluster, or follow one until it ends: a scale, an update, a drain', [
    'arpanet operations',
    'arpanet operations 0c3f5a52-6f9c-4e9b-9a53-0d1f1c1f7d11',
    "arpanet operations --format '{{.ID}} {{.State}}'",
  ]).action(async (id: string | undefined, flags: ListFlags) => (await import('./operations.ts')).showOperations(id, flags, terminal));

  addClientCommand(root, 'audit-log', 'show who changed what, and who was refused: the last lines at the leader', [
    'arpanet audit-log',
    'arpanet audit-log -f --user ada',
    'arpanet audit-log --json | jq \'select(.result == "refused")\'',
  ])
    .option('-f, --follow', 'keep printing new lines')
    .option('--user <NAME>', 'only calls of this user')
    .action(async (flags: AuditLogFlags) => (await import('./audit-log.ts')).showAuditLog(flags, terminal));

  addClientCommand(
    root,
    'logs [service]',
    'show the logs of all instances in one stream: of a deployment (abc), a service (abc/web), or a container',
    ['arpanet logs abc', 'arpanet logs abc/web -f --tail 10', 'arpanet logs --since 10m --json | jq -r .text'],
  )
    .option('-f, --follow', 'keep printing new lines, also of instances that start later')
    .option('-n, --tail <LINES>', 'only the last lines of each instance', 'all')
    .option('--since <TIME>', 'only later lines: a time, or how long ago: 10m')
    .option('--until <TIME>', 'only earlier lines: a time, or how long ago')
    .option('-t, --timestamps', 'with the time of each line')
    .action(async (reference: string | undefined, flags: LogFlags) => (await import('./logs.ts')).showLogs(reference, flags, terminal));

  addClientCommand(
    root,
    'doctor <from> <name>',
    'check the path from a container to what it calls by a name, and to its ports; name the first broken link and its fix',
    [
      'arpanet doctor web pricing   # from the first instance of a service',
      'arpanet doctor abc-web-1 pricing',
      'arpanet doctor abc-web-1 pricing:8080',
      'arpanet doctor 1.web.abc db.other.service.consul --json',
    ],
  ).action(async (from: string, name: string, flags: ClientFlags) => (await import('./doctor.ts')).doctor(from, name, flags, terminal));

  addClientCommand(root, 'top', 'show hosts and their busiest containers, live; over a pipe as plain text, one screen after the other', [
    'arpanet top',
    'arpanet top --once | head',
    'arpanet top --json --interval 10   # one line of JSON each time',
  ])
    .option('--once', 'print one screen and end')
    .option('--interval <SECONDS>', 'seconds between two screens', '2')
    .option('-n, --rows <N>', 'at most this many containers (default: what fits; over a pipe 15)')
    .action(async (flags: TopFlags) => (await import('./top.ts')).top(flags, terminal));
}
