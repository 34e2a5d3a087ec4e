/**
 * Go templates in a service's env, hostname and mounts (`{{.Service.Name}}-{{.Task.Slot}}`), filled in for one instance. Records and labels keep the
 * request with its templates: it is the same for all instances, and for the one in this one's place on another host. Pure.
 * Source: swarmkit template/context.go, template/expand.go.
 */
import { ArpanetError, type CreateRequest, labels } from '../../model/index.ts';
import { expandGoTemplate, GoTemplateError, type GoValue, hasTemplate } from '../../text/go-template/index.ts';
import { templateContext } from '../../text/service-template.ts';
import type { Identity } from './identify.ts';
import { volumesOf } from './identify-needs.ts';

/** The instance that a request is filled in for. */
export interface TemplateFacts {
  readonly deployment: string;
  readonly service: string;
  readonly number: number;
  /** What its task id is made of. */
  readonly nonce: string;
  /** Undefined: placement has not decided yet. */
  readonly host?: { readonly name: string; readonly arch: string; readonly os: string } | undefined;
}

/** What the label `arpanet.templates` tells. */
interface OfService {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly isGlobal?: boolean;
}

const OF_NODE = /\.Node\b/;

/**
 * The request with its templates filled in; itself, if it has none. Without a host, what names one stays as it is. Throws `invalid` when one cannot be
 * filled in.
 */
export function filledIn(request: CreateRequest, facts: TemplateFacts): CreateRequest {
  const label = request.Labels?.[labels.templates];
  if (!label) return request;
  const { deployment, service, number, nonce, host } = facts;
  const { isGlobal = false, name = service, labels: own = {} } = ofService(label);
  const context = templateContext({
    deployment,
    service,
    name,
    nonce,
    labels: own,
    number: isGlobal ? undefined : number,
    host: host?.name ?? '',
    arch: host?.arch ?? '',
    os: host?.os ?? '',
  });
  const isWaiting = (text: string) => host === undefined && (OF_NODE.test(text) || (isGlobal && text.includes('.Task')));
  const fill = (what: string) => (text: string) => (isWaiting(text) ? text : expanded(what, text, context));
  const { Env, Hostname, HostConfig } = request;
  return {
    ...request,
    ...(Env ? { Env: Env.map((line) => filledLine(line, fill)) } : {}),
    ...(Hostname ? { Hostname: fill('expanding hostname failed')(Hostname) } : {}),
    ...(HostConfig?.Mounts ? { HostConfig: { ...HostConfig, Mounts: HostConfig.Mounts.map((mount) => filledMount(mount, fill)) } } : {}),
  };
}

/** What the filled-in request needs of its host; without what still waits for one: that is nowhere yet. */
export function filledNeeds(request: CreateRequest, facts: TemplateFacts): Pick<Identity, 'volumes' | 'hostPaths'> {
  const { volumes, hostPaths } = volumesOf(filledIn(request, facts));
  if (!request.Labels?.[labels.templates]) return { volumes, hostPaths };
  return { volumes: volumes.filter((name) => !hasTemplate(name)), hostPaths: hostPaths.filter((path) => !hasTemplate(path)) };
}

type Fill = (what: string) => (text: string) => string;
type Mount = NonNullable<NonNullable<CreateRequest['HostConfig']>['Mounts']>[number];

function filledLine(line: string, fill: Fill): string {
  const at = line.indexOf('=');
  return at < 0 ? line : line.slice(0, at + 1) + fill(`expanding env failed: expanding env ${JSON.stringify(line)}`)(line.slice(at + 1));
}

interface VolumeOptions {
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly DriverConfig?: { readonly Options?: Readonly<Record<string, string>> | null } | null;
}

function filledMount(mount: Mount, fill: Fill): Mount {
  const { Source, Target } = mount;
  const options = mount['VolumeOptions'] as VolumeOptions | null | undefined;
  const { Labels, DriverConfig } = options ?? {};
  return {
    ...mount,
    ...(Source ? { Source: fill(`expanding mounts failed: expanding mount source ${JSON.stringify(Source)}`)(Source) } : {}),
    ...(Target ? { Target: fill(`expanding mounts failed: expanding mount target ${JSON.stringify(Target)}`)(Target) } : {}),
    ...(options
      ? {
          VolumeOptions: {
            ...options,
            ...(Labels ? { Labels: filledMap(Labels, fill('expanding mounts failed: expanding volume labels')) } : {}),
            ...(DriverConfig?.Options
              ? {
                  DriverConfig: {
                    ...DriverConfig,
                    Options: filledMap(DriverConfig.Options, fill('expanding mounts failed: expanding volume driver config')),
                  },
                }
              : {}),
          },
        }
      : {}),
  };
}

const filledMap = (map: Readonly<Record<string, string>>, fill: (text: string) => string): Record<string, string> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, fill(value)]));

function expanded(what: string, text: string, context: GoValue): string {
  try {
    return expandGoTemplate(text, context);
  } catch (error) {
    if (error instanceof GoTemplateError) throw new ArpanetError('invalid', `${what}: ${error.message}`, { cause: error });
    throw error;
  }
}

function ofService(label: string): OfService {
  try {
    const { name, labels: given, isGlobal } = JSON.parse(label) as Readonly<Record<string, unknown>>;
    const isMap = typeof given === 'object' && given !== null && Object.values(given).every((value) => typeof value === 'string');
    return {
      ...(typeof name === 'string' ? { name } : {}),
      ...(isMap ? { labels: given as Readonly<Record<string, string>> } : {}),
      isGlobal: isGlobal === true,
    };
  } catch {
    return {};
  }
}
