import type { Filter } from './filter.ts';
import { hasLink } from '../../../networks/index.ts';

/** Networks with driver macvlan or ipvlan are a host's own wires: it must have the link that they name as their parent. */
export const parentLinkFilter: Filter = {
  rule: 'parent interface',
  applies: (request) => request.parentLinks !== undefined && request.parentLinks.length > 0,
  accepts: (request, host) => (request.parentLinks ?? []).every((link) => host.links !== undefined && hasLink(host.links, link)),
  explain: (request, host) => {
    if (host.links === undefined) return 'its agent is of an older release, and makes no networks with driver macvlan or ipvlan';
    const missing = (request.parentLinks ?? []).filter((link) => !hasLink(host.links ?? [], link));
    return `has no network interface ${missing.join(', ')}: it has ${host.links.join(', ')}`;
  },
};
