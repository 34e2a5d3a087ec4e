/** A catalog as plain data. */
import { keyOf } from '../../../src/registrar/catalog.ts';
import type { CatalogChange, CatalogService } from '../../../src/store/index.ts';

/** What the catalog holds after the changes. */
export function applied(actual: readonly CatalogService[], changes: readonly CatalogChange[]): readonly CatalogService[] {
  const services = new Map(actual.map((service) => [keyOf(service), service]));
  const onNode = (node: string) => [...services].filter(([, service]) => service.node === node);
  for (const change of changes) {
    switch (change.kind) {
      case 'register':
        services.set(keyOf(change.service), change.service);
        break;
      case 'deregister':
        services.delete(keyOf(change));
        break;
      case 'deregister-node':
        for (const [key] of onNode(change.node)) services.delete(key);
        break;
      case 'node':
        for (const [key, service] of onNode(change.node)) services.set(key, { ...service, nodeAddress: change.address });
    }
  }
  return [...services.values()];
}
