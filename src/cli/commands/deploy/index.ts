/** `arpanet deploy`, declared here. Only a deploy loads the schemas of compose files. */
import type { Command } from 'commander';
import { addClientCommand, type ClientFlags, clientCall, several, type Terminal } from '../../command.ts';
import type { DeployFlags } from './deploy.ts';

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
      const [{ prepared, planned, deploy }, { showPlan }] = await Promise.all([import('./deploy.ts'), import('./show-plan.ts')]);
      const { api } = clientCall(flags, terminal);
      const job = await prepared(api, flags, services, terminal);
      if (flags.plan === true) return showPlan(await planned(api, job), flags.json === true, terminal);
      await interruptible(terminal, async (signal) => {
        const { done } = await deploy(api, job, flags, terminal.say, signal);
        if (flags.json === true) terminal.out(`${JSON.stringify(done, undefined, 2)}\n`);
      });
    });
  addClientCommand(root, 'release <deployment>', 'remove a whole deployment: services, containers, networks, secrets and configs', [
    'arpanet release abc',
    'arpanet release abc --volumes',
  ])
    .option('--volumes', 'and its volumes, with all that is in them')
    .action(async (deployment: string, flags: ClientFlags & { readonly volumes?: boolean }) => {
      const { release } = await import('./deploy.ts');
      const { api } = clientCall(flags, terminal);
      await interruptible(terminal, async (signal) => {
        const { removed } = await release(api, deployment, flags.volumes === true, terminal.say, signal);
        if (flags.json === true) terminal.out(`${JSON.stringify(removed, undefined, 2)}\n`);
      });
    });
}

/** Ctrl-C stops it with what has begun done to its end, and is the exit code. */
async function interruptible({ say }: Terminal, act: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const [{ INTERRUPTED, onInterrupt }, { ArpanetError }, { Stopped }] = await Promise.all([
    import('./interrupt.ts'),
    import('../../../model/errors.ts'),
    import('../../../deployments/index.ts'),
  ]);
  using interrupt = onInterrupt(say);
  try {
    await act(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted || !(error instanceof ArpanetError || error instanceof Stopped)) throw error;
    if (error instanceof ArpanetError) say(error.message);
    process.exitCode = INTERRUPTED;
  }
}
