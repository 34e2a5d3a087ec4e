/** The commands for services: ls, ps, scale, stop, start, restart, rm, update, rollback, canary, promote, abort; declared here, each in a file of its own. */
import { type Command, Option } from 'commander';
import { addClientCommand, type ClientFlags, several, type Terminal } from '../../command.ts';
import { type ListFlags, type PageFlags, withPageFlags } from '../../list.ts';
import type { PromoteFlags } from './canary.ts';
import type { UpdateFlags } from './update.ts';

const SERVICES = 'a deployment (abc), a service (abc/web, abc_web, or web if only one deployment has it)';

export function addServiceCommands(root: Command, terminal: Terminal): void {
  const command = (words: string, summary: string, examples: readonly string[]) => addClientCommand(root, words, summary, examples);
  const paged = (words: string, summary: string, examples: readonly string[]) => withPageFlags(command(words, summary, examples));

  paged('ls', 'list the services of all deployments, their replica counts and problems', [
    'arpanet ls',
    'arpanet ls --watch',
    'arpanet ls --limit 100',
    "arpanet ls --format '{{.Deployment}}/{{.Service}} {{.Running}}'",
  ]).action(async (flags: ListFlags & PageFlags) => (await import('./ls.ts')).listServices(flags, terminal));
  paged('ps [service]', 'list instances, their hosts and addresses', [
    'arpanet ps',
    'arpanet ps abc/web',
    "arpanet ps abc --format 'table {{.Name}}\\t{{.Host}}\\t{{.State}}'",
    'docker inspect $(arpanet ps abc/web -q)',
  ]).action(async (reference: string | undefined, flags: ListFlags & PageFlags) =>
    (await import('./ps.ts')).listInstances(reference, flags, terminal),
  );
  command('scale <service=count...>', 'set how many replicas services have; the cluster keeps that count from then on', [
    'arpanet scale abc/pricing=5',
    'arpanet scale abc/pricing=5 web+2 worker-1',
  ]).action(async (counts: readonly string[], flags: ClientFlags) => (await import('./scale.ts')).scale(counts, flags, terminal));
  for (const [verb, summary] of [
    ['stop', 'stop instances; they stay stopped until started'],
    ['start', 'start stopped instances'],
    ['restart', 'restart instances; they are out of DNS until they run again'],
  ] as const)
    command(`${verb} <service...>`, `${summary}: ${SERVICES}`, [`arpanet ${verb} abc`, `arpanet ${verb} abc/web abc/worker`]).action(
      async (services: readonly string[], flags: ClientFlags) => (await import('./power.ts')).power(verb, services, flags, terminal),
    );
  command('rm <service...>', `remove services, or a whole deployment with its networks: ${SERVICES}`, [
    'arpanet rm abc',
    'arpanet rm abc/web abc/worker',
  ]).action(async (services: readonly string[], flags: ClientFlags) => (await import('./rm.ts')).removeServices(services, flags, terminal));
  command('update <service>', 'replace the instances of a service a few at a time, waiting until each batch is healthy', [
    'arpanet update abc/web --image web:2',
    'arpanet update abc/web --env LOG=debug --parallelism 2 --delay 5s --order stop-first',
    'arpanet update abc/web --image web:2 --canary 10%',
    'arpanet update abc/web --image web:2 --canary 10% --promote-after 10m',
    'arpanet update abc/web --force',
  ])
    .option('--image <IMAGE>', 'the image to run')
    .option('--env <NAME=VALUE>', 'add or replace an environment variable; may be given several times', several)
    .option('--force', 'replace instances even if nothing changed')
    .option('--canary <SHARE>', 'leave the instances as they are, and let a few new ones have this share of the requests by HTTP name: 10%')
    .option(
      '--promote-after <TIME>',
      'wait for so long while the canary does as well as the others, and update the service to what it is: 10m',
    )
    .option('--parallelism <N>', 'instances replaced at once; 0: all')
    .option('--delay <TIME>', 'pause between batches: 500ms, 5s, 1m')
    .addOption(
      new Option('--order <ORDER>', 'start the new instance first, or stop the old one first').choices(['start-first', 'stop-first']),
    )
    .addOption(
      new Option('--on-failure <ACTION>', 'what to do when a new instance fails to start or its health check').choices([
        'rollback',
        'pause',
        'continue',
      ]),
    )
    .option('--monitor <TIME>', 'how long a new instance without a health check must run to count as healthy')
    .option('--drain-time <TIME>', 'pause between leaving DNS and the stop')
    .action(async (service: string, flags: UpdateFlags) => (await import('./update.ts')).update(service, flags, terminal));
  command('rollback <service>', 'restore the service as it was before its last update', ['arpanet rollback abc/web']).action(
    async (service: string, flags: ClientFlags) => (await import('./rollback.ts')).rollback(service, flags, terminal),
  );
  command('canary <service>', 'show how the canary of a service does beside the others', ['arpanet canary abc/web']).action(
    async (service: string, flags: ClientFlags) => (await import('./canary.ts')).showCanary(service, flags, terminal),
  );
  command('promote <service>', 'update a service to what its canary is, if that does as well as the others', [
    'arpanet promote abc/web',
    'arpanet promote abc/web --force',
  ])
    .option('--force', 'whatever its errors and latency are')
    .action(async (service: string, flags: PromoteFlags) => (await import('./canary.ts')).promote(service, flags, terminal));
  command('abort <service>', 'take the canary of a service back', ['arpanet abort abc/web']).action(
    async (service: string, flags: ClientFlags) => (await import('./canary.ts')).abort(service, flags, terminal),
  );
}
