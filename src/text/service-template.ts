/**
 * What a template of a service can name, for one instance of it on one host. Pure.
 * Source: swarmkit template/context.go; of an instance without a number api/naming/naming.go.
 */
import type { GoValue } from './go-template/index.ts';
import { ids } from './swarm-ids.ts';

/** One instance of a service on one host. */
export interface TemplateTask {
  readonly deployment: string;
  readonly service: string;
  /** `abc_web`, as `docker service` calls it. */
  readonly name: string;
  /** The service's own. */
  readonly labels: Readonly<Record<string, string>>;
  /** From 1; undefined: of a global service, whose host's id stands for it. */
  readonly number: number | undefined;
  /** What its task id is made of. */
  readonly nonce: string;
  readonly host: string;
  /** In uname's words. */
  readonly arch: string;
  readonly os: string;
}

/** The context that its templates are filled in with. */
export function templateContext({ deployment, service, name, labels, number, nonce, host, arch, os }: TemplateTask): GoValue {
  const node = ids.node(host);
  const task = ids.task(nonce);
  const slot = number === undefined ? node : String(number);
  return {
    Service: { ID: ids.service(deployment, service), Name: name, Labels: new Map(Object.entries(labels)) },
    Node: { ID: node, Hostname: host, Platform: { Architecture: arch, OS: os } },
    Task: { ID: task, Name: `${name}.${slot}.${task}`, Slot: slot },
  };
}
