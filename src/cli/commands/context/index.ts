/** `arpanet context`, declared here. */
import type { Command } from 'commander';
import { addCommand, type Terminal } from '../../command.ts';
import type { ContextFlags } from './context.ts';

export function addContextCommand(root: Command, terminal: Terminal): void {
  addCommand(root, 'context [name]', 'make a docker context for this cluster, or update it: then plain docker and compose reach it', [
    'arpanet context --use           # the context "arpanet", which docker uses from then on',
    'DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=~/ada-cluster arpanet context prod --endpoint tcp://10.0.0.1:2376',
    'docker --context prod ps',
  ])
    .option(
      '--endpoint <ADDRESS>',
      'tcp://HOST:PORT or unix:///PATH of any scheduler (env ARPANET_ENDPOINT, else as docker: DOCKER_HOST, contexts)',
    )
    .option('--use', 'docker uses it from then on, where DOCKER_HOST is not set')
    .action(async (name: string | undefined, flags: ContextFlags) => (await import('./context.ts')).makeContext(name, flags, terminal));
}
