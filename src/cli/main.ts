#!/usr/bin/env -S node --max-semi-space-size=4
/**
 * The arpanet command. Effects: the command line, the environment, signals, exit codes.
 * The first line's flag (MB) keeps V8's nursery small, some 20 MB less for a scheduler; npm start and the tests give it too.
 * Exit codes: 0 done, 1 it failed, 2 it was asked wrongly, 3 `status`: something is off.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Command, CommanderError } from 'commander';
import {
  type AgentConfig,
  type Command as CommandName,
  type ConfigOf,
  environmentName,
  loadConfig,
  optionsOf,
  type SchedulerConfig,
  type UpConfig,
} from '../config/index.ts';
import { ArpanetError, isKind } from '../model/index.ts';
import { ask, askAudit, hostList, httpEndpoint } from './commands/cluster/status.ts';
import { addConfigCommands } from './commands/config.ts';
import { addDoctorCommand } from './commands/cluster/doctor.ts';
import { addDeployCommand } from './commands/deploy/deploy.ts';
import { addHostCommands } from './commands/hosts/hosts.ts';
import { openLog } from '../processes/logger.ts';
import { addLookCommands } from './commands/look/look.ts';
import { type HostReport, hostsTable } from '../operator-api/index.ts';
import { addRecoveryCommands } from './commands/recovery/recovery.ts';
import { addServiceCommands } from './commands/services/services.ts';
import { addTopCommand } from './commands/look/top.ts';
import { schedulerSettings, schedulingSettings } from '../processes/scheduler-settings.ts';
import { VERSION } from './version.ts';

const ABOUT: Readonly<Record<CommandName, { readonly summary: string; readonly examples: readonly string[] }>> = {
  up: {
    summary: 'a whole cluster on this machine; Ctrl-C takes it down',
    examples: ['arpanet up', 'arpanet up --hosts 3', 'arpanet up --listen tcp://127.0.0.1:4000 --data ./state'],
  },
  scheduler: {
    summary: 'one scheduler: answers the Docker API; one of them leads, the others pass everything to it',
    examples: [
      'arpanet scheduler --listen tcp://10.0.0.1:2375 --store consul://127.0.0.1:8500',
      'arpanet scheduler --listen tcp://127.0.0.1:2375 --store embedded:/var/lib/arpanet/store',
    ],
  },
  agent: {
    summary: 'the host agent, one on every machine with a Docker Engine',
    examples: [
      'ARPANET_JOIN_TOKEN=… arpanet agent --join http://10.0.0.1:2375,http://10.0.0.2:2375 --name db-1 --address 10.0.0.11 --label disk=ssd',
    ],
  },
  token: {
    summary: 'print the join token that agents need',
    examples: ['arpanet token', 'arpanet token > join-token   # then: arpanet agent --token-file join-token …'],
  },
  hosts: {
    summary: 'the hosts with their state and live load; add, update, empty, clean or remove one',
    examples: ['arpanet hosts', 'arpanet hosts --json | jq .[].name', 'arpanet hosts inspect h1', 'arpanet hosts drain h1'],
  },
  audit: {
    summary: 'compare store, Engines, networks, names and catalog; name each disagreement (exit code 1 if any is left)',
    examples: ['arpanet audit', 'arpanet audit --fix', 'arpanet audit --json | jq .findings'],
  },
  status: {
    summary: 'what is off, leader, schedulers, store, hosts, deployments (exit code 3 if something is off)',
    examples: ['arpanet status', 'arpanet status --endpoint tcp://10.0.0.1:2375 --json'],
  },
};

const say = (line: string) => void process.stderr.write(`${line}\n`);

function program(): Command {
  const root = new Command('arpanet')
    .description('One DOCKER_HOST in front of many Docker hosts: plain docker, docker compose and fig against a whole cluster.')
    .version(VERSION)
    .showHelpAfterError('(arpanet --help lists the commands)')
    .showSuggestionAfterError()
    .exitOverride();
  for (const [name, { summary, examples }] of Object.entries(ABOUT) as [CommandName, (typeof ABOUT)[CommandName]][]) {
    const command = root.command(name).description(summary).exitOverride();
    for (const option of optionsOf(name)) {
      const mine = option.commands[name];
      if (option.secret === true || mine === undefined) continue;
      const flag = option.value === undefined ? `--${option.name}` : `--${option.name} <${option.value}>`;
      const notes = [
        mine.required === true ? 'required' : '',
        mine.default === undefined ? '' : `default ${mine.default}`,
        `env ${environmentName(option.name)}`,
      ];
      const text = `${mine.help ?? option.help} (${notes.filter(Boolean).join('; ')})`;
      if (option.repeated === true) command.option(flag, text, (value: string, before: string[] | undefined) => [...(before ?? []), value]);
      else command.option(flag, text);
    }
    const secrets = optionsOf(name).filter((option) => option.secret === true);
    const secretHelp = secrets.map((option) => `  ${environmentName(option.name)}: ${option.help}`);
    command.addHelpText(
      'after',
      `${secretHelp.length === 0 ? '' : `\nOnly as a variable, or in the file of --config:\n${secretHelp.join('\n')}\n`}\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`,
    );
    command.action(async (flags: Record<string, unknown>) => run(name, flags));
  }
  const out = (text: string) => void process.stdout.write(text);
  addServiceCommands(root, process.env, out, say);
  const terminal = { env: process.env, out, say, isTerminal: process.stdout.isTTY };
  addLookCommands(root, terminal);
  addConfigCommands(root, terminal);
  addDoctorCommand(root, terminal);
  addDeployCommand(root, terminal);
  addTopCommand(root, terminal);
  const hosts = root.commands.find((command) => command.name() === 'hosts');
  if (hosts !== undefined) addHostCommands(root, hosts, terminal, listHosts);
  addRecoveryCommands(root, terminal);
  helpAfterErrors(root, root.name());
  return root;
}

/** What was asked wrongly of a command has its examples there. */
function helpAfterErrors(command: Command, words: string): void {
  for (const one of command.commands) {
    const mine = `${words} ${one.name()}`;
    one.showHelpAfterError(`("${mine} --help" has examples)`);
    helpAfterErrors(one, mine);
  }
}

async function listHosts(flags: Record<string, unknown>, show: (reports: readonly HostReport[]) => string): Promise<void> {
  const { endpoint = 'tcp://127.0.0.1:2375' } = loadConfig('hosts', {
    flags,
    env: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  process.stdout.write(`${show(await hostList(httpEndpoint(endpoint)))}\n`);
}

async function run(name: CommandName, flags: Record<string, unknown>): Promise<void> {
  const load = <C extends CommandName>(command: C): ConfigOf<C> =>
    loadConfig(command, { flags, env: process.env, readFile: (path) => readFileSync(path, 'utf8') });
  switch (name) {
    case 'up':
      return up(load('up'));
    case 'scheduler':
      return scheduler(load('scheduler'));
    case 'agent':
      return agent(load('agent'));
    case 'audit': {
      const { endpoint = 'tcp://127.0.0.1:2375', json, fix } = load(name);
      const write = (text: string) => void process.stdout.write(text);
      if (!(await askAudit({ endpoint: httpEndpoint(endpoint), json, write }, fix))) process.exitCode = 1;
      return;
    }
    case 'hosts':
      return listHosts(flags, hostsTable);
    default: {
      const { endpoint = 'tcp://127.0.0.1:2375', json } = load(name);
      const isWell = await ask(name, { endpoint: httpEndpoint(endpoint), json, write: (text) => void process.stdout.write(text) });
      if (!isWell) process.exitCode = 3;
    }
  }
}

async function up(config: UpConfig): Promise<void> {
  const { runUp } = await import('../processes/up.ts');
  const logging = openLog(config.logLevel === 'info' ? 'warn' : config.logLevel);
  await runUp(
    {
      hosts: config.hosts,
      listen: config.listen,
      data: config.data,
      engine: config.engine,
      scheduler: schedulingSettings(config),
      isPublishing: config.publishAt !== 'none',
      logLevel: config.logLevel,
    },
    logging,
    ended(),
    say,
  );
}

async function scheduler(config: SchedulerConfig): Promise<void> {
  const { runScheduler } = await import('../processes/scheduler.ts');
  const logging = openLog(config.logLevel);
  const { listen } = config;
  if (!/^(127\.|localhost$|::1$)/.test(listen.host)) {
    logging.log.warn(
      { listen },
      'LISTENING WITHOUT TLS ON AN ADDRESS THAT OTHERS MAY REACH: whoever reaches it is root on every host; keep it on a private network',
    );
  }
  await runScheduler(schedulerSettings(config, hostname()), logging, ended());
}

async function agent(config: AgentConfig): Promise<void> {
  const { runAgent } = await import('../processes/agent.ts');
  if (config.joinToken === undefined) {
    throw new ArpanetError(
      'invalid',
      'an agent needs the join token: ARPANET_JOIN_TOKEN, or --token-file; "arpanet token" on a scheduler prints it',
    );
  }
  const listen = config.listen ?? { host: config.address, port: 2376 };
  const logging = openLog(config.logLevel);
  const { engine } = config;
  await runAgent(
    {
      name: config.name,
      address: config.address,
      listen: `${listen.host}:${listen.port}`,
      join: config.join,
      token: config.joinToken,
      engine: 'socketPath' in engine ? `unix://${engine.socketPath}` : `tcp://${engine.host}:${engine.port}`,
      labels: config.label,
      overlay: config.overlay,
      dataDir: config.data,
      version: VERSION,
      dnsUpstream: config.dnsUpstream.map(({ host, port }) => `${host}:${port}`),
      consulDns: config.consulDns === undefined ? undefined : `${config.consulDns.host}:${config.consulDns.port}`,
    },
    logging,
    ended(),
  );
}

/** Fires at the first SIGINT or SIGTERM; one that comes later than a second after it (the terminal and npm each send one) ends the process at once. */
function ended(): AbortSignal {
  const controller = new AbortController();
  let firstAtMs = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted && Date.now() - firstAtMs > 1000) process.exit(1);
      if (!controller.signal.aborted) firstAtMs = Date.now();
      controller.abort();
    });
  }
  return controller.signal;
}

function isAskedWrongly(error: unknown): boolean {
  return isKind(error, 'invalid') || (error instanceof ArpanetError && (error.engineStatus === 400 || error.engineStatus === 404));
}

// `arpanet logs abc | head` has what it wanted
process.stdout.on('error', () => process.exit());
try {
  await program().parseAsync();
  process.exit();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  const cause = error instanceof Error && error.cause instanceof Error ? `\n  because: ${error.cause.message}` : '';
  if (error instanceof ArpanetError) say(`arpanet: ${error.message}${cause}`);
  else say(`arpanet: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exit(isAskedWrongly(error) ? 2 : 1);
}
