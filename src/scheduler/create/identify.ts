/**
 * The identity of a container: its deployment, service and number, and what it wants of networks, volumes and other containers. Read from the
 * create request alone, before anything is decided. Pure.
 */
import { ArpanetError, type CreateRequest, composeLabels, deploymentIn, isOneoff, labels, serviceFromName } from '../../model/index.ts';
import { lowestFree, numberOf, serviceOf } from './identify-labels.ts';
import { boundLinksOf, linksOf, modeOf, networksOf, type Link, type NetworkMode, type WantedNetwork } from './identify-networks.ts';
import { containersOf, hostPortsOf, volumesOf, type Together } from './identify-needs.ts';
import { checkDrainTime } from './drain-time.ts';
import { CONTAINER_NAME_FORM, isContainerName, MAX_NAME_LENGTH, withoutSlash } from '../../text/names.ts';
import { ALLOW_FORM, parseAllowFrom } from '../../text/allow-label.ts';
import { CHECK_FORM, parseCheck } from '../../text/check-label.ts';
import { HTTP_FORM, parseHttp } from '../../text/http-label.ts';
import { parseIngress } from '../../text/ingress-label.ts';
import { parseHooks } from '../../text/hooks-label.ts';
import { isReferenceTo, SHORT_ID_LENGTH } from '../../text/references.ts';
import { reschedulePolicyOf } from '../../text/reschedule-policy.ts';

export type { Link, NetworkMode, Together, WantedNetwork };

export interface Identity {
  readonly deployment: string;
  readonly service: string;
  /** From 1. */
  readonly number: number;
  /** True for `compose run`: it asks for names, but is never answered as its service; `service` is then made from its own name. */
  readonly oneoff: boolean;
  readonly mode: NetworkMode;
  /** Cluster networks wanted, the primary one first. Empty unless the mode is `cluster`, or endpoints were named beside a native mode. */
  readonly networks: readonly WantedNetwork[];
  /** Links as asked for, on the container and on its endpoints, each once. */
  readonly links: readonly Link[];
  /** Those of them that must lead to a container that exists. */
  readonly boundLinks: readonly Link[];
  /** Names of the volumes used. */
  readonly volumes: readonly string[];
  /** Paths of the host that it binds. */
  readonly hostPaths: readonly string[];
  /** Containers of `--volumes-from`, as referred to, without `:ro`. */
  readonly volumesFrom: readonly string[];
  /** All containers that it must share a host with, as referred to. */
  readonly together: readonly Together[];
  /** Host ports asked for: `0.0.0.0:80/tcp`, or a range to choose from `0.0.0.0:8000-8010/tcp`. */
  readonly hostPorts: readonly string[];
  /** The container that compose is about to remove in favour of this one: an id or a name. */
  readonly replaces?: string;
}

export interface IdentifyInput {
  /** Without leading slash: what `checkedName` or `madeUpName` gave. */
  readonly name: string;
  readonly request: CreateRequest;
  /** Numbers in use by this service. */
  readonly taken: (service: string, deployment: string) => readonly number[];
}

/** Labels with a few values. */
const CHOICES: ReadonlyMap<string, readonly string[]> = new Map([
  [labels.dns, ['healthy', 'running']],
  [labels.vip, ['true', 'false']],
  [labels.publish, ['host', 'ingress']],
  [labels.proxyProtocol, ['true', 'false']],
]);

/** Throws `invalid` when a label's value is none of those that it may have. */
export function identify({ name, request, taken }: IdentifyInput): Identity {
  const given = request.Labels ?? {};
  for (const [label, values] of CHOICES) {
    const value = given[label];
    if (value && !values.includes(value))
      throw new ArpanetError('invalid', `label ${label} is "${value.slice(0, 80)}": it must be ${values.join(' or ')}`);
  }
  checkDrainTime(given);
  const ingress = given[labels.ingress];
  if (ingress && parseIngress(ingress) === undefined)
    throw new ArpanetError(
      'invalid',
      `label ${labels.ingress} is "${ingress.slice(0, 80)}": it must be like 8080:80,5300:53/udp, without an address, each number once`,
    );
  const http = given[labels.http];
  if (http && parseHttp(http) === undefined)
    throw new ArpanetError('invalid', `label ${labels.http} is "${http.slice(0, 120)}": ${HTTP_FORM}`);
  if (http && sharesNetwork(request))
    throw new ArpanetError(
      'invalid',
      `label ${labels.http} says nothing of a container without a network of its own (network mode container: or host): label the container whose network it is, or give it a network`,
    );
  const allowFrom = given[labels.allowFrom];
  if (allowFrom && parseAllowFrom(allowFrom) === undefined)
    throw new ArpanetError('invalid', `label ${labels.allowFrom} is "${allowFrom.slice(0, 120)}": ${ALLOW_FORM}`);
  if (allowFrom && sharesNetwork(request))
    throw new ArpanetError(
      'invalid',
      `label ${labels.allowFrom} says nothing of a container without a network of its own (network mode container: or host): label the container whose network it is, or give it a network`,
    );
  const check = given[labels.check];
  if (check && parseCheck(check) === undefined)
    throw new ArpanetError('invalid', `label ${labels.check} is "${check.slice(0, 120)}": ${CHECK_FORM}`);
  const hooks = given[labels.hooks];
  if (hooks && parseHooks(hooks) === undefined)
    throw new ArpanetError(
      'invalid',
      `label ${labels.hooks} is "${hooks.slice(0, 80)}": it must be like {"post_start":[{"command":["warm","up"]}]}`,
    );
  const { unreadable } = reschedulePolicyOf(labels.reschedule, request);
  if (unreadable !== undefined) throw new ArpanetError('invalid', unreadable);
  const oneoff = isOneoff(given);
  const deployment = deploymentIn(given);
  const service = oneoff ? serviceFromName(name) : serviceOf(given, name);
  const mode = modeOf(request);
  const links = linksOf(request);
  const replaces = given[composeLabels.replace];
  return {
    deployment,
    service,
    number: (oneoff ? undefined : numberOf(given)) ?? lowestFree(taken(service, deployment)),
    oneoff,
    mode,
    networks: networksOf(request, mode, deployment),
    links,
    boundLinks: boundLinksOf(request),
    ...volumesOf(request),
    ...containersOf(request, mode, links),
    hostPorts: hostPortsOf(request.HostConfig?.PortBindings),
    ...(replaces ? { replaces } : {}),
  };
}

function sharesNetwork(request: CreateRequest): boolean {
  const mode = modeOf(request);
  return mode.kind === 'container' || (mode.kind === 'native' && mode.name === 'host');
}

/** The name of `?name=` without its slash. Throws `invalid` in Docker's words. */
export function checkedName(name: string): string {
  const bare = withoutSlash(name);
  if (!isContainerName(bare))
    throw new ArpanetError('invalid', `Invalid container name (${name}), only ${CONTAINER_NAME_FORM} are allowed`);
  if (bare.length > MAX_NAME_LENGTH)
    throw new ArpanetError('invalid', `Invalid container name (${bare.slice(0, 40)}…), at most ${MAX_NAME_LENGTH} characters are allowed`);
  return bare;
}

/** Whether a reference (name, full id, or id prefix of 12 digits or more) means this container. */
export function refersTo(reference: string | undefined, container: { readonly id: string; readonly name: string }): boolean {
  return Boolean(reference) && isReferenceTo(withoutSlash(reference ?? ''), container, SHORT_ID_LENGTH);
}
