/** The commands that run a process of the cluster: up, scheduler, agent; declared here, each in a file of its own. */
import type { Command } from 'commander';
import type { Terminal } from '../../command.ts';
import { addConfiguredCommand, type Flags } from '../../configured-command.ts';

export function addProcessCommands(root: Command, terminal: Terminal): void {
  addConfiguredCommand(root, 'up', 'run a whole cluster on this machine; Ctrl-C removes it', [
    'arpanet up',
    'arpanet up --hosts 3',
    'arpanet up --listen tcp://127.0.0.1:4000 --data ./state',
  ]).action(async (flags: Flags) => (await import('./up.ts')).up(flags, terminal));
  addConfiguredCommand(
    root,
    'scheduler',
    'run a scheduler: it answers the Docker API; one scheduler leads, the others pass requests to it',
    [
      'arpanet scheduler --listen tls://10.0.0.1:2376 --listen tcp://127.0.0.1:2375 --store consul://127.0.0.1:8500 --cluster-key /var/lib/arpanet/scheduler/cluster.key',
      'arpanet scheduler --listen tcp://127.0.0.1:2375 --listen tls://0.0.0.0:2376 --tls-ca ca.pem --tls-cert cert.pem --tls-key key.pem --store embedded:/var/lib/arpanet/store',
      'arpanet scheduler --listen tcp://127.0.0.1:2375 --store embedded:/var/lib/arpanet/store',
    ],
  ).action(async (flags: Flags) => (await import('./scheduler.ts')).scheduler(flags, terminal));
  addConfiguredCommand(root, 'agent', 'run the host agent, one on every machine with a Docker Engine', [
    'ARPANET_JOIN_TOKEN=… arpanet agent --join https://10.0.0.1:2376,https://10.0.0.2:2376 --name db-1 --address 10.0.0.11 --label disk=ssd',
  ]).action(async (flags: Flags) => (await import('./agent.ts')).agent(flags, terminal));
}
