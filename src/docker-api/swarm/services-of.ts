import { ArpanetError } from '../../model/index.ts';
import type { Services } from '../cluster.ts';
import type { Exchange } from '../request-context.ts';

/** Throws `unsupported` where nobody keeps any. */
export function servicesOf(call: Exchange): Services {
  const { services } = call.cluster;
  if (services === undefined) throw new ArpanetError('unsupported', 'this scheduler keeps no services');
  return services;
}
