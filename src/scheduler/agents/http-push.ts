/** Names by which HTTP reaches services, as agents are sent them (claims-push.ts). Pure. */
import { answering, type HttpInstance, type HttpSite, type NamedInstance, shareWeights } from '../../model/index.ts';
import type { ClaimKind } from './claims-push.ts';

/** Whose the name is: an instance of a canary is one of the service that it is of. */
const ownerOf = ({ deployment, service, http }: NamedInstance): string => `${deployment}/${http?.canary?.of ?? service}`;

export const httpClaims: ClaimKind<HttpSite> = {
  what: 'names of HTTP',
  keysOf: ({ http }) => http?.sites ?? [],
  /** A name is one service's: that of who asked first. Its canary gets its share while it has an instance that is ready, and nothing otherwise. */
  entryOf(site, members, addressOf) {
    const [first] = members;
    const own = first === undefined ? [] : members.filter((one) => ownerOf(one) === ownerOf(first));
    const base = answering(
      own.filter(({ http }) => http?.canary === undefined),
      false,
    );
    const canaries = own.filter(({ http, ready }) => ready && http?.canary !== undefined);
    const weights = shareWeights(base.length, canaries.length, canaries[0]?.http?.canary?.share ?? 0);
    const called = (weight: number) => (one: NamedInstance) => httpInstance(one, weight, addressOf(one.host).at);
    const instances = [...base.flatMap(called(weights.instance)), ...canaries.flatMap(called(weights.canary))];
    return { site, ...(own.some(({ http }) => http?.isSticky === true) && { isSticky: true }), instances };
  },
  messageOf: ({ entries, hosts6: _hosts6, ...part }) => ({ type: 'http', sites: entries, ...part }),
};

function httpInstance({ container, host, http }: NamedInstance, weight: number, at: string | undefined): readonly HttpInstance[] {
  if (at === undefined || http === undefined) return [];
  const { address, port, isH2c } = http;
  return [{ container, host, at, address, port, weight, ...(isH2c === true && { isH2c }) }];
}
