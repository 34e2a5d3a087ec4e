/** `arpanet deploy`: its flags. What it does is loaded when it is called: other commands need no schemas. */
import type { Command } from 'commander';
import { askingCommand, endpointOf, type Terminal } from '../../api-client.ts';
import type { DeployFlags } from './job.ts';

const several = (value: string, before: string[] | undefined) => [...(before ?? []), value];

export function addDeployCommand(root: Command, terminal: Terminal): void {
  askingCommand(root, 'deploy [service...]', 'bring up what a fig or compose file says; unchanged containers stay', [
    'arpanet deploy -p abc',
    'arpanet deploy -f fig.yml -p abc --plan',
    'arpanet deploy -f compose.yml -f compose.live.yml -p abc web',
  ])
    .option('-f, --file <FILE>', 'may be given several times: later ones are laid over the earlier', several)
    .option('-p, --project <NAME>', "the deployment's name (default: name: in the file, else the folder's)")
    .option('--profile <NAME>', 'with the services of this profile too; * for all', several)
    .option('--plan', 'say what would happen, host by host, and change nothing')
    .option('--remove-orphans', 'remove containers of services that the files do not have (any more)')
    .action(async (services: readonly string[], flags: DeployFlags) => {
      const [{ prepare }, { showPlan }, { deploy }] = await Promise.all([import('./job.ts'), import('./plan.ts'), import('./run.ts')]);
      const endpoint = endpointOf(flags, terminal.env);
      const read = () => prepare(endpoint, flags, services, terminal);
      if (flags.plan === true) await showPlan(endpoint, await read(), flags, terminal);
      else await deploy(endpoint, read, flags, terminal);
    });
}
