/** The names by which an instance is found in its own deployment; source: moby's daemon/container_operations.go (short id) and libnetwork/sandbox.go, ResolveName (`name.network`). Pure. */
import { dnsLabel, dnsName, type NamedInstance } from '../model/index.ts';

export interface BareName {
  readonly name: string;
  /** Undefined: on all of its networks. */
  readonly networks: readonly string[] | undefined;
  readonly isOwn: boolean;
  /** It means the service, whose one address is its answer where there is one. */
  readonly isService?: true;
}

/**
 * As Docker's own resolver does, also the container's short id and host name, and each name with a network's name behind it:
 * `web.backend` is web's address in network backend.
 */
export function* bareNames(instance: NamedInstance, networkNames: Readonly<Record<string, string>>): Generator<BareName> {
  const services = [...new Set([dnsName(instance.service), dnsLabel(instance.service)])];
  const own = [instance.name, instance.container.slice(0, 12), instance.hostname ?? ''].filter((name) => name !== '').map(dnsName);
  const { swarmService = '', vips } = instance;
  // As swarm mode calls services and their tasks: `abc_web`, `tasks.web`, `tasks.abc_web`.
  const ofSwarm = swarmService === '' ? [] : [dnsName(swarmService)];
  const ofTasks = swarmService === '' && vips === undefined ? [] : [...services.slice(0, 1), ...ofSwarm].map((name) => `tasks.${name}`);
  for (const name of new Set([...services, ...ofSwarm])) yield { name, networks: undefined, isOwn: false, isService: true };
  for (const name of new Set(ofTasks)) yield { name, networks: undefined, isOwn: false };
  for (const name of [...services.map((service) => `${instance.number}.${service}`), ...own])
    yield { name, networks: undefined, isOwn: true };
  for (const network of Object.keys(instance.addresses)) {
    const aliases = (instance.aliases[network] ?? []).map(dnsName);
    for (const name of aliases) yield { name, networks: [network], isOwn: true };
    const of = networkNames[network]?.toLowerCase();
    if (of === undefined) continue;
    for (const service of services) yield { name: `${service}.${of}`, networks: [network], isOwn: false, isService: true };
    for (const name of [...own, ...aliases]) yield { name: `${name}.${of}`, networks: [network], isOwn: true };
  }
}
