/** Job: how does a machine without a disk become a host? The boot server (DHCP, TFTP, HTTP), its image, and which of several servers answers. */
export { addressOf, serveMachines } from './serve.ts';
export { buildImage } from './image/build.ts';
export { IMAGE_FILES, kernelWords, packageNames } from './image/plan.ts';
export { wireOf } from './dnsmasq.ts';
export { approvalFault, machineIds, machineOf, machinesShown } from './machine.ts';
export { type BootServers, createBootServers } from './servers.ts';
