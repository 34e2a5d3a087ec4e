/** `GET /networks` and `GET /networks/{id}`, answered from the view. */
import type { Cluster } from '../../contracts/index.ts';
import { ArpanetError } from '../../model/index.ts';
import { shownNetwork } from '../../networks/index.ts';
import { apiMinor } from '../../text/api-version.ts';
import { meantBy } from '../../text/references.ts';
import { windowOf } from '../api-versions.ts';
import { strictBool } from '../json/go-values.ts';
import type { Answers, Read } from '../reads/answers.ts';
import { parseFilters } from '../reads/filters.ts';
import { networksOn, selectNetworks, type ShownNetwork, showNetworks } from './list.ts';

export function createNetworkReads(cluster: Cluster, answers: Answers): { readonly networkList: Read; readonly networkInspect: Read } {
  const allNetworks = () => showNetworks(cluster.networks.list(), cluster.containers.list(), windowOf(cluster.hosts.list()).max);

  const networkList: Read = (query, _params, apiVersion) => {
    const onNode = (hosts: readonly string[]) =>
      networksOn(
        hosts,
        cluster.containers.list(),
        cluster.hosts.list().map(({ name }) => name),
      );
    const chosen = selectNetworks(allNetworks(), parseFilters(query.get('filters')), onNode);
    const sorted = chosen.toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
    // since 1.28 only an inspect tells the members
    return answers.answer(JSON.stringify(apiMinor(apiVersion) < 28 ? sorted : sorted.map((one) => ({ ...one, Containers: {} }))));
  };

  const networkInspect: Read = (query, params) => {
    const reference = params['id'] ?? '';
    const shown = findNetwork(reference);
    strictBool(query, 'verbose');
    const scope = query.get('scope') ?? '';
    // a service may be on any network of the cluster; in a swarm it may be on the host's own two (swarmkit manager/allocator/networkallocator)
    if (scope === 'swarm' && shown.Name !== 'none') return answers.answer(JSON.stringify({ ...shown, Scope: 'swarm' }));
    if (scope !== '' && scope !== shown.Scope) throw new ArpanetError('not-found', `network ${reference} not found`);
    return answers.answer(JSON.stringify(shown));
  };

  const findNetwork = (reference: string): ShownNetwork => {
    const all = allNetworks();
    const matches = meantBy(reference, all, ({ Id, Name }) => ({ id: Id, name: Name }));
    const [found] = matches;
    if (matches.length > 1)
      throw new ArpanetError('invalid', `network ${reference} is ambiguous (${matches.length} matches found on ID prefix)`);
    if (found !== undefined) return found;
    // the network that clients see as "bridge" has an id of its own in the cluster
    const { id } = shownNetwork(cluster.networks.one(reference).record);
    const shown = all.find((one) => one.Id === id);
    if (shown === undefined) throw new ArpanetError('not-found', `network ${reference} not found`);
    return shown;
  };

  return { networkList: answers.settledRead('networks', networkList), networkInspect: answers.settledRead('network', networkInspect) };
}
