/** The commands for hosts: `arpanet hosts` and its verbs, drain, activate, rebalance; declared here, each in a file of its own. */
import { type Command, Option } from 'commander';
import { addClientCommand, type ClientFlags, several, type Terminal } from '../../command.ts';
import { addConfiguredCommand, type Flags } from '../../configured-command.ts';
import { type ListFlags, type PageFlags, withPageFlags } from '../../list.ts';
import { withPassOptions } from '../cluster/index.ts';
import type { AddFlags } from './add.ts';
import type { CleanFlags } from './clean.ts';
import type { DrainFlags } from './drain.ts';
import type { RebalanceFlags } from './rebalance.ts';
import type { UpdateFlags } from './update.ts';

interface ForceFlags extends ClientFlags {
  readonly force?: boolean;
}

const withLimits = (command: Command) =>
  command
    .option('--cpus <N>', 'cores that the cluster may reserve there; none: all')
    .option('--memory <SIZE>', 'memory that the cluster may reserve there, as 2g; none: all')
    .option('--max-containers <N>', 'containers that may run there; none: any number');

export function addHostCommands(root: Command, terminal: Terminal): void {
  const hosts = addConfiguredCommand(root, 'hosts', 'list hosts with their state and live load; add, update, drain, clean or remove one', [
    'arpanet hosts',
    'arpanet hosts --json | jq .[].name',
    'arpanet hosts inspect h1',
    'arpanet hosts drain h1',
  ]);
  const verb = (words: string, summary: string, examples: readonly string[]) => addClientCommand(hosts, words, summary, examples);
  const list = async (host: string | undefined, flags: Flags & ListFlags & PageFlags) => {
    const verbs = hosts.commands.map((command) => command.name());
    await (await import('./ls.ts')).listHosts(host, flags, verbs, terminal);
  };
  // Flags after a verb belong to the verb: `hosts` has a --json of its own.
  root.enablePositionalOptions();
  withPageFlags(hosts)
    .enablePositionalOptions()
    .argument('[host]', 'only this one')
    .usage('[options] [host]\n       arpanet hosts VERB …')
    .action(list);
  withPageFlags(
    verb('ls [host]', 'list hosts with their state, live load, reservations and labels', [
      'arpanet hosts ls',
      'arpanet hosts ls h1 --json',
      "arpanet hosts ls --format '{{.Name}} {{.Labels.disk}}'",
    ]),
  ).action(list);

  verb('inspect <host>', 'show everything about a host: facts, load, networks, containers, addresses, and why it is not alive', [
    'arpanet hosts inspect h1',
    'arpanet hosts inspect h1 --json | jq .leases',
  ]).action(async (host: string, flags: ClientFlags) => (await import('./inspect.ts')).inspectHost(host, flags, terminal));

  withPassOptions(
    withLimits(
      verb('add <name>', 'allow a host to join by this name, and print the command to run there', [
        'arpanet hosts add db-1 --address 10.0.0.11 --label disk=ssd',
        'arpanet hosts add db-1 --single-use --ttl 1h   # the token in the command joins db-1, once',
        'arpanet hosts add small-1 --memory 2g --max-containers 10',
        'arpanet hosts add db-3 --mac 52:54:00:12:34:56   # a machine that boots from arpanet boot, approved beforehand',
        'arpanet hosts add db-1 --install-docker   # its line installs Docker where there is none',
        'arpanet hosts add h3   # one that was removed may join again',
      ]),
    ),
  )
    .option('--address <IP>', 'only a host at this address may join by the name')
    .option('--mac <MAC>', 'the machine with this network card boots from "arpanet boot" as this host; may be given several times', several)
    .option('--serial <TEXT>', 'the same by the serial number of its board (dmidecode -s system-serial-number); with --mac both are wanted')
    .option('--install-docker', 'the line installs Docker (Debian, Ubuntu) if the host has none, once all checks are passed')
    .option('--label <KEY=VALUE>', 'a label that it has from the start; may be given several times', several)
    .addOption(new Option('--availability <STATE>', 'pause: it takes no containers until activated').choices(['active', 'pause']))
    .action(async (name: string, flags: AddFlags) => (await import('./add.ts')).addHost(name, flags, terminal));

  withLimits(
    verb('update <host>', 'change labels, limits or availability; a limit may not be below what is reserved already', [
      'arpanet hosts update h1 --label-add disk=ssd --label-rm old',
      'arpanet hosts update db-3 --mac 52:54:00:65:43:21   # it has another network card',
      'arpanet hosts update h1 --cpus 1.5 --memory 4g --max-containers 20',
      'arpanet hosts update h1 --memory none --availability pause',
    ]),
  )
    .option('--mac <MAC>', 'the machine with this network card boots from "arpanet boot" as this host; may be given several times', several)
    .option('--serial <TEXT>', 'the same by the serial number of its board (dmidecode -s system-serial-number); with --mac both are wanted')
    .option('--label-add <KEY=VALUE>', 'set a label, over the agent’s own; may be given several times', several)
    .option('--label-rm <KEY>', 'remove a label; may be given several times', several)
    .addOption(new Option('--availability <STATE>', 'whether it takes new containers').choices(['active', 'pause']))
    .action(async (host: string, flags: UpdateFlags) => (await import('./update.ts')).updateHost(host, flags, terminal));

  verb('rm <host...>', 'remove a host from the cluster; its agent is refused until the host is added again', [
    'arpanet drain h3 && arpanet hosts rm h3',
    'arpanet hosts rm h3 --force   # a dead host: its containers are forgotten, and services start theirs elsewhere',
  ])
    .option('--force', 'even if it has containers (they are removed, if it still answers) or volumes (they are forgotten)')
    .action(async (names: readonly string[], flags: ForceFlags) => (await import('./rm.ts')).removeHosts(names, flags, terminal));

  verb('revoke <host>', 'take its certificate from a host: it is cut off at once, and may not join again until it is readmitted', [
    'arpanet hosts revoke h3 && arpanet token rotate   # it knows the join token, too',
    'arpanet hosts rm h3 --force   # then, if it is to be forgotten',
  ]).action(async (host: string, flags: ClientFlags) => (await import('./revoke.ts')).revokeHost(host, flags, terminal));
  verb('readmit <host>', 'let a host that was revoked join again, by the join token', ['arpanet hosts readmit h3']).action(
    async (host: string, flags: ClientFlags) => (await import('./revoke.ts')).readmitHost(host, flags, terminal),
  );

  for (const parent of [root, hosts]) {
    const words = parent === hosts ? 'hosts ' : '';
    addClientCommand(parent, 'drain <host>', 'move containers off a host; it takes no new ones (exit code 1 if some must stay)', [
      `arpanet ${words}drain h1`,
      `arpanet ${words}drain h1 --deadline 10m   # then says what stayed; "arpanet activate h1" cancels a drain`,
    ])
      .option('--deadline <TIME>', 'end after this time, as 10m, and say what stayed; what is being moved then is moved to the end')
      .action(async (host: string, flags: DrainFlags) => (await import('./drain.ts')).drainHost(host, flags, terminal));
    addClientCommand(parent, 'activate <host>', 'let a host take new containers again; cancels its drain', [
      `arpanet ${words}activate h1`,
    ]).action(async (host: string, flags: ClientFlags) => (await import('./activate.ts')).activateHost(host, flags, terminal));
  }

  verb('clean <host...>', 'remove what is unused on a host: ended one-off containers, untagged images, the build cache', [
    'arpanet hosts clean h1 --plan',
    'arpanet hosts clean h1 h2 --all --volumes --yes',
  ])
    .option('-a, --all', 'all images that no container there uses, not only untagged ones')
    .option('--volumes', 'also anonymous volumes that no container uses')
    .option('--networks', 'also networks of its own Engine that no container uses')
    .option('--plan', 'show what would be removed, and change nothing')
    .option('-y, --yes', 'do not ask')
    .action(async (names: readonly string[], flags: CleanFlags) => (await import('./clean.ts')).cleanHosts(names, flags, terminal));

  verb('reset <host>', 'remove the cluster’s networks and devices from a host and let its agent report again; labels and limits stay', [
    'arpanet hosts drain h1; arpanet hosts reset h1',
    'arpanet hosts reset h1 --force   # also removes its containers',
  ])
    .option('--force', 'even if it has containers: they are removed')
    .action(async (host: string, flags: ForceFlags) => (await import('./reset.ts')).resetHost(host, flags, terminal));

  verb('fillup <host>', 'take new containers again, continue paused updates there, and move instances over from fuller hosts', [
    'arpanet hosts fillup h3',
  ]).action(async (host: string, flags: ClientFlags) => (await import('./fillup.ts')).fillUpHost(host, flags, terminal));

  addClientCommand(root, 'rebalance', 'make hosts evenly full with the fewest moves; no service has fewer instances meanwhile', [
    'arpanet rebalance --plan',
    'arpanet rebalance --max 3',
    'arpanet rebalance --onto h3',
  ])
    .option('--plan', 'show what would move, and change nothing')
    .option('--max <N>', 'move at most this many')
    .option('--onto <HOST>', 'only to this host')
    .action(async (flags: RebalanceFlags) => (await import('./rebalance.ts')).rebalance(flags, terminal));
}
