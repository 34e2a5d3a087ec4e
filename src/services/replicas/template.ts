/** One instance's create request -> that of any other instance of its service, numbered, labelled and named as compose would. Pure. */
import {
  composeLabels,
  type ContainerView,
  type CreateRequest,
  type EndpointSettings,
  type HostConfig,
  type ServiceTemplate,
} from '../../model/index.ts';

const HEX_ID = /^[0-9a-f]{64}$/;

/** A recreated container's name without the old one's id before it: `0123456789ab_abc-web-1` is to be called `abc-web-1`. */
export const bareName = (name: string): string => name.replace(/^[0-9a-f]{12}_/, '');

/** `abc_web_2` is `abc_web_` and 2; undefined: a fixed name, which only one container can have. */
function stemOf({ name, number, request }: ServiceTemplate): string | undefined {
  const bare = bareName(name);
  if (bare.endsWith(`_${number}`) || bare.endsWith(`-${number}`)) return bare.slice(0, -String(number).length);
  const isCompose = request.Labels?.[composeLabels.service] !== undefined;
  return isCompose ? undefined : `${bare}-`;
}

export function instanceName(template: ServiceTemplate, number: number): string {
  const stem = stemOf(template);
  const bare = bareName(template.name);
  if (stem === undefined || number === template.number) return bare;
  return stem === `${bare}-` && number === 1 ? bare : `${stem}${number}`;
}

const MOST_INSTANCES = 10_000;

/** Why there cannot be so many of it, for a person; undefined: there can. */
export function scaleRefusal(template: ServiceTemplate, desired: number): string | undefined {
  if (desired <= 1) return undefined;
  if (desired > MOST_INSTANCES) return `a service has at most ${MOST_INSTANCES}`;
  if (stemOf(template) === undefined)
    return `its containers are all called "${bareName(template.name)}": take container_name out of its definition to run more than 1`;
  const endpoints = Object.entries(template.request.NetworkingConfig?.EndpointsConfig ?? {});
  const fixed = endpoints.find(([, endpoint]) => endpoint?.IPAMConfig?.IPv4Address);
  if (fixed === undefined) return undefined;
  return `it has the fixed address ${fixed[1]?.IPAMConfig?.IPv4Address ?? ''} in network ${fixed[0]}: take ipv4_address out of its definition to run more than 1`;
}

/** The create request of instance `number`. */
export function instanceRequest(template: ServiceTemplate, number: number): CreateRequest {
  const { request, connected = {} } = template;
  const endpoints = { ...request.NetworkingConfig?.EndpointsConfig, ...connected };
  const name = instanceName(template, number);
  const { [composeLabels.replace]: _replace, ...given } = request.Labels ?? {};
  const isNumbered = given[composeLabels.number] !== undefined;
  const isSame = number === template.number;
  const { MacAddress: _mac, ...others } = request;
  const env = request.Env?.filter((entry) => !/^affinity:container==[0-9a-f]{64}$/.test(entry));
  return {
    ...(isSame ? request : others),
    ...(request.Env === undefined ? {} : { Env: env ?? null }),
    Labels: { ...given, ...(isNumbered ? { [composeLabels.number]: String(number) } : {}) },
    ...(request.HostConfig ? withoutOwnVolumes(request, request.HostConfig) : {}),
    ...(Object.keys(endpoints).length > 0
      ? {
          NetworkingConfig: {
            ...request.NetworkingConfig,
            EndpointsConfig: Object.fromEntries(
              Object.entries(endpoints).map(([network, endpoint]) => [
                network,
                endpoint && endpointFor(endpoint, template.name, name, isSame),
              ]),
            ),
          },
        }
      : {}),
  };
}

/** compose hands a recreated container the anonymous volumes of the old one: they are that one's data and no other's. */
function withoutOwnVolumes(request: CreateRequest, hostConfig: HostConfig): Pick<CreateRequest, 'HostConfig' | 'Volumes'> {
  const own = (hostConfig.Binds ?? []).filter((bind) => HEX_ID.test(bind.split(':')[0] ?? ''));
  const binds = hostConfig.Binds?.filter((bind) => !own.includes(bind));
  const targets = own.map((bind) => bind.split(':')[1] ?? '');
  const mounts = hostConfig.Mounts?.map((mount) => (HEX_ID.test(mount.Source ?? '') ? { ...mount, Source: '' } : mount));
  return {
    HostConfig: { ...hostConfig, ...(binds ? { Binds: binds } : {}), ...(mounts ? { Mounts: mounts } : {}) },
    ...(targets.length === 0 ? {} : { Volumes: { ...request.Volumes, ...Object.fromEntries(targets.map((target) => [target, {}])) } }),
  };
}

function endpointFor(endpoint: EndpointSettings, templateName: string, name: string, isSame: boolean): EndpointSettings {
  const isOwn = (alias: string) => bareName(alias) === bareName(templateName);
  const { MacAddress: _mac, ...others } = endpoint;
  return {
    ...(isSame ? endpoint : others),
    ...(endpoint.Aliases ? { Aliases: [...new Set(endpoint.Aliases.map((alias) => (isOwn(alias) ? name : alias)))] } : {}),
  };
}

/** What a template says, whatever the instance that it was taken from: two of the same essence make the same instances. */
export function essence(template: ServiceTemplate): string {
  return stable(instanceRequest(template, 0));
}

/** JSON with its keys in order. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The template that a container was made from; undefined: it was not created through arpanet. */
export function templateOf(container: ContainerView): ServiceTemplate | undefined {
  const { record } = container;
  if (record === undefined) return undefined;
  const { name, number, request, connected = {} } = record;
  return { name, number, request, ...(Object.keys(connected).length === 0 ? {} : { connected }) };
}

/** Whether a fresh instance is of this template, though its client has not joined it to its other networks yet. */
export function isSameTemplate(fresh: ServiceTemplate, known: ServiceTemplate): boolean {
  const { connected: _, ...asCreated } = known;
  return essence(fresh.connected === undefined ? asCreated : known) === essence(fresh);
}

export function isCurrent(container: ContainerView, wanted: string): boolean {
  const own = templateOf(container);
  return own !== undefined && essence(own) === wanted;
}
