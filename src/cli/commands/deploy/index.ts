/** `arpanet deploy`, declared here. Only a deploy loads the schemas of compose files. */
import type { Command } from 'commander';
import { addClientCommand, clientCall, several, type Terminal } from '../../command.ts';
import type { DeployFlags } from './job.ts';

export function addDeployCommand(root: Command, terminal: Terminal): void {
  addClientCommand(root, 'deploy [service...]', 'create and update what a fig or compose file describes; unchanged containers stay', [
    'arpanet deploy -p abc',
    'arpanet deploy -f fig.yml -p abc --plan',
    'arpanet deploy -p abc --build web',
    'arpanet deploy -f compose.yml -f compose.live.yml -p abc web',
  ])
    .option('-f, --file <FILE>', 'may be given several times: later files override earlier ones', several)
    .option('-p, --project <NAME>', "the deployment's name (default: name: in the file, else the folder's)")
    .option('--profile <NAME>', 'also the services of this profile; * for all; may be given several times', several)
    .option('--build', 'build images also where a host has them')
    .option('--plan', 'show what would happen, host by host, and change nothing')
    .option('--remove-orphans', 'remove containers of services that the files no longer have')
    .action(async (services: readonly string[], flags: DeployFlags) => {
      const [{ prepare, projectOf }, { showPlan }, { deploy }, { INTERRUPTED, onInterrupt }, { Stopped }] = await Promise.all([
        import('./job.ts'),
        import('./show-plan.ts'),
        import('./deploy.ts'),
        import('./interrupt.ts'),
        import('./unfinished.ts'),
      ]);
      const { api } = clientCall(flags, terminal);
      const project = projectOf(flags, terminal);
      const read = () => prepare(api, project, flags, services);
      if (flags.plan === true) await showPlan(api, await read(), flags, terminal);
      else {
        using interrupt = onInterrupt(terminal.say);
        try {
          await deploy(api, read, flags, terminal, interrupt.signal);
        } catch (error) {
          if (!(error instanceof Stopped)) throw error;
          process.exitCode = INTERRUPTED;
        }
      }
    });
}
