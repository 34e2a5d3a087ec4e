/** What is proven of a container by its labels: the MAC and the facts together. Nothing here asks or changes anything. */
import {
  type ContainerInspect,
  type EndpointSettings,
  type LabelClaim,
  labels,
  type LabelledContainer,
  type LabelledRecord,
  type LabelSigner,
  type LabelVerdict,
} from '../../model/index.ts';
import { contains, parseAddress, parseSubnet } from '../../text/ipv4.ts';
import { withoutSlash } from '../../text/names.ts';
import { endpointMac, isSameMac, isSigned } from '../create/label-mac.ts';
import { requestFromInspect, requestFromLabels } from '../create/packed-request.ts';
import { recordFromLabels } from '../create/rewrite-labels.ts';

/**
 * The MAC is of this cluster and for this host; and the container has one of the addresses that the cluster gave it, in that network and inside its
 * subnet. What never started may be left over from a create that was undone, and whose network is gone: then the name says which create that was.
 * Without a signer the labels are trusted as far as the facts allow.
 */
export function judgeLabels(container: LabelledContainer, signer: LabelSigner | undefined): LabelVerdict {
  const { host, inspect } = container;
  const given = inspect.Config.Labels ?? {};
  if (!given[labels.record]) return { kind: 'none' };
  const labelled = recordFromLabels(given);
  if (labelled === undefined) return { kind: 'unproven', why: 'has labels that cannot be read' };
  if (signer !== undefined && !isSigned(signer, host, given))
    return { kind: 'unproven', why: 'has labels that this cluster did not write, or not for this host' };
  const addresses = provenAddresses(container, labelled, signer);
  const isUnproven = Object.keys(labelled.addresses).length > 0 && Object.keys(addresses).length === 0;
  if (isUnproven && !(signer !== undefined && isAsCreated(inspect, labelled)))
    return { kind: 'unproven', why: 'has none of the addresses that its labels name, in the networks that they name' };
  const request = requestFromLabels(given);
  const claim: LabelClaim = {
    labelled,
    addresses,
    request: request ?? requestFromInspect(inspect, labelled.labelNames),
    isRequestWhole: request !== undefined,
  };
  return { kind: 'proven', claim };
}

/** It never started, and has the name that it was created with. */
export function isAsCreated({ Name, State }: ContainerInspect, labelled: LabelledRecord): boolean {
  return State.Status === 'created' && withoutSlash(Name) === labelled.name;
}

function provenAddresses(
  { inspect, networkOf }: LabelledContainer,
  labelled: LabelledRecord,
  signer: LabelSigner | undefined,
): LabelClaim['addresses'] {
  const found = Object.entries(inspect.NetworkSettings.Networks ?? {}).flatMap(([name, endpoint]) => {
    const network = networkOf(name, endpoint);
    const ip = addressOf(endpoint);
    if (network === undefined || !isInside(network.cidr, ip)) return [];
    const isOurs =
      signer === undefined ||
      labelled.addresses[network.id] === ip ||
      isSameMac(endpoint.DriverOpts?.[labels.mac], endpointMac(signer, { container: inspect.Id, network: network.id, ip }));
    return isOurs ? [[network.id, ip] as const] : [];
  });
  const order = Object.keys(labelled.addresses);
  const rank = (network: string): number => (order.includes(network) ? order.indexOf(network) : order.length);
  return Object.fromEntries(found.toSorted(([a], [b]) => rank(a) - rank(b)));
}

/** The one that it has; of a container that does not run, the one that it will have. */
const addressOf = ({ IPAddress, IPAMConfig }: EndpointSettings): string => IPAddress || IPAMConfig?.IPv4Address || '';

function isInside(cidr: string, ip: string): boolean {
  const [subnet, address] = [parseSubnet(cidr), parseAddress(ip)];
  return subnet !== undefined && address !== undefined && contains(subnet, address);
}
