/** `arpanet policy get`, `set` and `test`, declared here, each in a file of its own. */
import type { Command } from 'commander';
import { addClientCommand, type ClientFlags, type Terminal } from '../../command.ts';
import type { TestFlags } from './judge.ts';

export function addPolicyCommands(root: Command, terminal: Terminal): void {
  const policy = root.command('policy').description('what roles have to obey in what they create').exitOverride();
  addClientCommand(policy, 'get', 'print what each role has to obey, as a file that set takes', [
    'arpanet policy get > policy.yml',
    'arpanet policy get --json | jq .deployer.binds',
  ]).action(async (flags: ClientFlags) => (await import('./get.ts')).getPolicy(flags, terminal));
  addClientCommand(
    policy,
    'set <file>',
    'set what roles have to obey, in place of all that was set before; YAML or JSON, - for standard input',
    [
      'arpanet policy set policy.yml',
      "echo 'deployer: {binds: [/srv/abc], memory: 2g}' | arpanet policy set -",
      'echo {} | arpanet policy set -   # the built-in rules again',
    ],
  ).action(async (file: string, flags: ClientFlags) => (await import('./set.ts')).setPolicy(file, flags, terminal));
  addClientCommand(
    policy,
    'test <file>',
    'say what of a compose file, or of the body of a create, would be refused, and by which rules (exit code 1 if anything is)',
    [
      'arpanet policy test compose.yml',
      'arpanet policy test create.json --role operator',
      'arpanet policy test compose.yml --policy new.yml',
    ],
  )
    .option('--role <ROLE>', 'deployer or operator', 'deployer')
    .option('--policy <FILE>', 'as if this one were set')
    .option('-p, --project <NAME>', "the deployment's name, of a compose file")
    .action(async (file: string, flags: TestFlags) => (await import('./judge.ts')).testPolicy(file, flags, terminal));
}
