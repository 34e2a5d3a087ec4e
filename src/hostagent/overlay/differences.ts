/** What the next pass over a network would repair, as sentences for `arpanet audit`, as far as the leader cannot see it in a HostObservation. Pure. */
import type { Observed, Step } from './plan.ts';

/** `steps`: those of plan.ts for the network with this name. */
export function differencesOf(name: string, steps: readonly Step[], { vxlans }: Observed): readonly string[] {
  return steps.flatMap((step): readonly string[] => {
    switch (step.do) {
      case 'make-bridge':
        return [`network ${name}: its bridge ${step.bridge} does not exist`];
      case 'route-bridge':
        return [`network ${name}: the host has no route to ${step.cidr} from ${step.from}`];
      case 'call-from':
        return [`network ${name}: the host does not call ${step.cidr} from its own address ${step.own}`];
      case 'drop-own':
        return [`network ${name}: its bridge has the address ${step.own}, which is not this host's`];
      case 'keep-local':
        return [`network ${name}: its gateway ${step.source} also answers on other hosts, and the rule that prevents it is missing`];
      case 'attach-vxlan': {
        const found = vxlans.find(({ device }) => device === step.device);
        return found === undefined || found.mtu === step.mtu
          ? []
          : [`network ${name}: its VXLAN device has an MTU of ${found.mtu} instead of ${step.mtu}`];
      }
      default:
        return [];
    }
  });
}
