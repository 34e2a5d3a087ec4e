/** Deployments as somebody may see and change them who is limited to some. */
import type { Deployments } from '../../contracts/index.ts';
import { ArpanetError } from '../../model/index.ts';
import type { Identity } from '../../security/index.ts';

export function deploymentsFor(all: Deployments, identity: Identity | undefined): Deployments {
  const own = identity?.deployments;
  if (identity === undefined || own === undefined) return all;
  const refuseOthers = (name: string): void => {
    if (!own.includes(name))
      throw new ArpanetError('forbidden', `${identity.name} is limited to ${own.join(', ')}, and ${name} is none of them`);
  };
  return {
    list: () => all.list().filter(({ name }) => own.includes(name)),
    find: (name) => (own.includes(name) ? all.find(name) : undefined),
    async plan(name, request, client) {
      refuseOthers(name);
      return await all.plan(name, request, client);
    },
    async apply(name, request, call) {
      refuseOthers(name);
      return await all.apply(name, request, call);
    },
    async release(name, isWithVolumes, call) {
      refuseOthers(name);
      return await all.release(name, isWithVolumes, call);
    },
  };
}
