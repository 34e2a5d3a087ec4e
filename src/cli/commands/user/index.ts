/** `arpanet user add`, `ls`, `renew` and `rm`, declared here, each in a file of its own. */
import type { Command } from 'commander';
import { addClientCommand, type ClientFlags, several, type Terminal } from '../../command.ts';
import { addListCommand, type ListFlags } from '../../list.ts';
import type { BundleFlags, UserFlags } from './bundle.ts';

const withBundleFlags = (command: Command): Command =>
  command
    .option('--ttl <TIME>', 'how long the certificate is valid, as 90d or 12h (90d)')
    .option('--out <DIR>', 'where the certificate and the key are written (./NAME-cluster)')
    .option(
      '--host <ADDRESS>',
      'tcp://HOST:PORT at which schedulers have TLS, for the lines to type and the context (port 2376 of the endpoint)',
    );

export function addUserCommands(root: Command, terminal: Terminal): void {
  const user = root.command('user').description('people: who may use the cluster, and for what').exitOverride();
  withBundleFlags(
    addClientCommand(user, 'add <name>', 'add somebody, and write the certificate and the key that docker needs', [
      'arpanet user add vera --role viewer',
      'arpanet user add ada --role deployer --deployments abc,xyz --ttl 90d',
      'arpanet user add olga --role operator --host tcp://docker.corp.example:2376',
    ]),
  )
    .requiredOption('--role <ROLE>', 'viewer, deployer, operator or admin')
    .option('--deployments <NAMES>', 'what it is limited to, as abc,xyz; a deployer needs it', listed)
    .option('--no-certificate', 'it has a certificate of your own CA already, whose CN is this name')
    .action(async (name: string, flags: UserFlags) => (await import('./add.ts')).addUser(name, flags, terminal));
  addListCommand(user, 'ls', 'list users, their roles and how long their certificates are valid', ['arpanet user ls']).action(
    async (flags: ListFlags) => (await import('./ls.ts')).listUsers(flags, terminal),
  );
  withBundleFlags(
    addClientCommand(user, 'renew <name>', 'write another certificate and key; the one before counts until it is over', [
      'arpanet user renew ada --ttl 90d',
    ]),
  ).action(async (name: string, flags: ClientFlags & BundleFlags) => (await import('./add.ts')).renewUser(name, flags, terminal));
  addClientCommand(user, 'rm <name>', 'remove somebody: its connections and streams end at once, at every scheduler', [
    'arpanet user rm ada',
  ]).action(async (name: string, flags: ClientFlags) => (await import('./rm.ts')).removeUser(name, flags, terminal));
}

const listed = (value: string, before: readonly string[] | undefined): readonly string[] =>
  value.split(',').reduce((all, one) => several(one.trim(), all), before ?? []);
