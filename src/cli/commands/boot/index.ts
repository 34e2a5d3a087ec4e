/** The commands for machines that boot from the network: the boot server, its image, and what there is; declared here, each in a file of its own. */
import type { Command } from 'commander';
import { addClientCommand, addCommand, type ClientFlags, several, type Terminal } from '../../command.ts';
import type { BuildFlags } from './build.ts';
import type { ServeFlags } from './serve.ts';

/** Where the image is, if nothing else is said. */
const IMAGE = '/var/lib/arpanet/boot/image';

export function addBootCommands(root: Command, terminal: Terminal): void {
  const boot = addClientCommand(
    root,
    'boot',
    'boot machines without a disk from this one, by DHCP, TFTP and HTTP; build their image, list them',
    [
      'sudo arpanet boot build && sudo arpanet boot --interface eth1',
      'arpanet hosts add db-3 --mac 52:54:00:12:34:56   # approved beforehand: it joins as db-3 each time that it boots',
      'sudo arpanet boot --interface eth1 --range 10.50.0.100-10.50.0.199 --gateway 10.50.0.1 --dns 10.50.0.1',
      'arpanet boot ls',
    ],
  )
    .option('--interface <NAME>', 'the network card at the machines’ network, with an IPv4 address of it')
    .option('--range <FIRST-LAST>', 'addresses for machines (default: the upper half of that network)')
    .option('--gateway <IP>', 'their way to other networks, as to the schedulers (default: none)')
    .option('--dns <IP>', 'a DNS server of theirs; may be given several times (default: none)', several)
    .option('--port <N>', 'TCP port of the HTTP server', '8480')
    .option('--image <DIR>', 'the folder of the image, as "arpanet boot build" makes it', IMAGE)
    .option('--data <DIR>', 'the folder for dnsmasq’s files', '/var/lib/arpanet/boot/dnsmasq')
    .usage('--interface NAME [options]\n       arpanet boot VERB …')
    .enablePositionalOptions()
    .action(async (flags: ServeFlags) => (await import('./serve.ts')).serveBoot(flags, terminal));

  addCommand(boot, 'build', 'make the image that machines boot: Debian’s kernel, a small initrd, and a root with Docker and this arpanet', [
    'sudo arpanet boot build',
    'sudo arpanet boot build --cmdline "console=ttyS0,115200" --include firmware-bnx2 --include openssh-server --files ./over-the-root',
    'sudo arpanet boot build --kernel linux-image-cloud-amd64   # for virtual machines alone, and smaller',
  ])
    .option('--out <DIR>', 'the folder of the image', IMAGE)
    .option('--kernel <PACKAGE>', 'the kernel, by its Debian package', 'linux-image-amd64')
    .option('--include <PACKAGE>', 'one more Debian package; may be given several times', several)
    .option('--files <DIR>', 'files that go over those of the root, such as keys of ssh')
    .option('--cmdline <WORDS>', 'more words for the kernel’s command line', '')
    .option('--mirror <URL>', 'a mirror of Debian 12 (default: the sources of this machine’s apt where they are of Debian 12)')
    .option('--json', 'print JSON')
    .action(async (flags: BuildFlags) => (await import('./build.ts')).buildBootImage(flags, terminal));

  addClientCommand(boot, 'ls', 'list boot servers, and machines with their hosts and addresses', [
    'arpanet boot ls',
    'arpanet boot ls --json | jq .machines',
  ]).action(async (flags: ClientFlags) => (await import('./ls.ts')).listMachines(flags, terminal));
}
