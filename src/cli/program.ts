/** The command line as a tree of commands. Each is declared here by its noun's folder, and loads its code only when it runs. */
import { Command } from 'commander';
import { VERSION } from '../config/version.ts';
import type { Terminal } from './command.ts';
import { addObservationCommands, addStatusCommands } from './commands/cluster/index.ts';
import { addBootCommands } from './commands/boot/index.ts';
import { addCaCommands } from './commands/ca/index.ts';
import { addKeyCommands } from './commands/key/index.ts';
import { addCompletionCommand } from './commands/completion/index.ts';
import { addConfigCommands } from './commands/config/index.ts';
import { addContextCommand } from './commands/context/index.ts';
import { addDeployCommand } from './commands/deploy/index.ts';
import { addDnsCommands } from './commands/dns/index.ts';
import { addHostCommands } from './commands/hosts/index.ts';
import { addIpCommands } from './commands/ip/index.ts';
import { addPolicyCommands } from './commands/policy/index.ts';
import { addProcessCommands } from './commands/processes/index.ts';
import { addManualCommand } from './commands/manual/index.ts';
import { addSchedulerCommands } from './commands/schedulers/index.ts';
import { addServiceCommands } from './commands/services/index.ts';
import { addStoreCommands } from './commands/store/index.ts';
import { addUserCommands } from './commands/user/index.ts';

/** In the order of the help. Throws commander's CommanderError for help, version and wrong usage. */
export function arpanetProgram(terminal: Terminal): Command {
  const root = new Command('arpanet')
    .description('One DOCKER_HOST in front of many Docker hosts: plain docker, docker compose and fig against a whole cluster.')
    .version(VERSION)
    .showHelpAfterError('(arpanet --help lists the commands)')
    .showSuggestionAfterError()
    .exitOverride();
  addProcessCommands(root, terminal);
  addStatusCommands(root, terminal);
  addHostCommands(root, terminal);
  addSchedulerCommands(root, terminal);
  addBootCommands(root, terminal);
  addDeployCommand(root, terminal);
  addServiceCommands(root, terminal);
  addObservationCommands(root, terminal);
  addIpCommands(root, terminal);
  addDnsCommands(root, terminal);
  addConfigCommands(root, terminal);
  addStoreCommands(root, terminal);
  addUserCommands(root, terminal);
  addPolicyCommands(root, terminal);
  addCaCommands(root, terminal);
  addKeyCommands(root, terminal);
  addContextCommand(root, terminal);
  addCompletionCommand(root, terminal);
  addManualCommand(root, terminal);
  group(root);
  pointToHelp(root, root.name());
  return root;
}

/** The groups of the help, and what is in each, in this order; what is in none is listed in `Set up`. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Most used:': ['up', 'status', 'deploy', 'logs', 'doctor'],
  'See:': ['ui', 'ls', 'ps', 'top', 'events', 'operations', 'explain', 'ip'],
  'Change:': ['scale', 'update', 'canary', 'promote', 'abort', 'rollback', 'stop', 'start', 'restart', 'rm', 'release', 'dns', 'config'],
  'Hosts:': ['hosts', 'schedulers', 'boot', 'drain', 'activate', 'rebalance'],
  'Set up:': ['scheduler', 'agent', 'context', 'user', 'token', 'upgrade', 'ca', 'key', 'completion', 'man'],
  'Repair:': ['audit', 'audit-log', 'backup', 'restore', 'recover'],
};
const OTHERS = 'Set up:';

/** Groups appear in the order of their first commands. */
function group(root: Command): void {
  const groups = Object.keys(GROUPS);
  const groupOf = (name: string) => groups.find((heading) => GROUPS[heading]?.includes(name)) ?? OTHERS;
  const place = ({ length }: readonly string[], index: number) => (index < 0 ? length : index);
  const rank = (name: string) => {
    const heading = groupOf(name);
    const inGroup = GROUPS[heading] ?? [];
    return groups.indexOf(heading) * 1_000 + place(inGroup, inGroup.indexOf(name));
  };
  // commander gives out its own list
  (root.commands as Command[]).sort((a, b) => rank(a.name()) - rank(b.name()));
  root.commandsGroup(OTHERS).helpCommand(true);
  for (const command of root.commands) command.helpGroup(groupOf(command.name()));
}

/** After wrong usage of a command, its error names the help with the examples. */
function pointToHelp(parent: Command, words: string): void {
  for (const command of parent.commands) {
    const path = `${words} ${command.name()}`;
    command.showHelpAfterError(`("${path} --help" has examples)`);
    pointToHelp(command, path);
  }
}
