/**
 * Job: what clients call the cluster's networks, and the IPv6 address that belongs to an IPv4 lease. In: records of networks and containers.
 * Out: names, ids, addresses. Invariants: plain data in, plain data out; every room that shows or makes a network uses the same rules.
 */
export { askedAddresses } from './asked.ts';
export { hasLink, isOnWire, isPassedOn, missingParent, parentLink } from './parent-links.ts';
export { ipv6At, pairedIpv6 } from './ipv6.ts';
export {
  implicitNetworkName,
  isOfSharedBridge,
  isSharedBridge,
  namesNoNetwork,
  predefinedName,
  shownLabels,
  shownNetwork,
  shownScope,
  SHARED_BRIDGE,
} from './names.ts';
