/** A canary: a few instances of what a service is to become, which get a share of its requests by HTTP name. What they are made from. Pure. */
import {
  canaryOf,
  composeLabels,
  type CreateRequest,
  formatCanary,
  labels,
  serviceKey,
  type ServiceId,
  type ServiceRecord,
  type ServiceTemplate,
} from '../../model/index.ts';
import { httpOf } from '../../text/http-label.ts';
import { bareName } from '../replicas/template.ts';

/** The canary of a service is a service beside it. */
export const canaryOfService = ({ deployment, service }: ServiceId): ServiceId => ({ deployment, service: `${service}-canary` });

/** The part of 1 of its service's requests that the service of this template gets; undefined: it is no canary. */
export const shareOf = ({ template }: { readonly template: ServiceTemplate | undefined }): number | undefined =>
  canaryOf(template?.request.Labels?.[labels.canary])?.share;

/** These, and their canaries: without its service one would get all requests. */
export function withCanaries<T extends ServiceId & { readonly template: ServiceTemplate | undefined }>(
  services: readonly T[],
  all: readonly T[],
): readonly T[] {
  const keys = new Set(services.map(serviceKey));
  const canaries = new Set(services.map((service) => serviceKey(canaryOfService(service))));
  return [...services, ...all.filter((one) => !keys.has(serviceKey(one)) && canaries.has(serviceKey(one)) && shareOf(one) !== undefined)];
}

/** Why a service can have none; undefined: it can. */
export function canaryRefusal(template: ServiceTemplate | undefined): string | undefined {
  if (httpOf(template?.request.Labels?.[labels.http]) !== undefined) return undefined;
  return `a canary gets its share of requests by HTTP name, and this service has none: give it the label ${labels.http}, as in ${labels.http}=shop.example.com`;
}

/** Of which service the one with this record is a canary; undefined: it is none, or one that has been taken back. */
export function serviceOfCanary({ deployment, template, canary }: ServiceRecord): ServiceId | undefined {
  const of = canaryOf(template.request.Labels?.[labels.canary])?.of;
  return of === undefined || canary?.takenBack !== undefined ? undefined : { deployment, service: of };
}

/** What has become of a canary that the cluster has taken back, as the rest of a sentence; undefined: it has not. */
export function takenBackText(record: Pick<ServiceRecord, 'canary' | 'template'> | undefined): string | undefined {
  const { takenBack } = record?.canary ?? {};
  if (takenBack === undefined) return undefined;
  return `the canary (${record?.template.request.Image ?? ''}) was taken back at ${new Date(takenBack.atMs).toISOString()}: ${takenBack.why}`;
}

/** At least one. */
export const canaryCount = (desired: number, share: number): number => Math.max(1, Math.round(desired * share));

/** As `changed`, under names of its own: no other name and no port leads to it, and it has no address that is another's. */
export function canaryTemplate(changed: ServiceTemplate, { service }: ServiceId, share: number): ServiceTemplate {
  const { service: name } = canaryOfService({ deployment: '', service });
  const { [labels.ingress]: _ingress, [labels.vip]: _vip, ...given } = changed.request.Labels ?? {};
  const isCompose = given[composeLabels.service] !== undefined;
  const endpoints = Object.keys({ ...changed.request.NetworkingConfig?.EndpointsConfig, ...changed.connected });
  const { PortBindings: _ports, ...hostConfig } = changed.request.HostConfig ?? {};
  const request: CreateRequest = {
    ...changed.request,
    HostConfig: hostConfig,
    Labels: {
      ...given,
      ...(isCompose ? { [composeLabels.service]: name } : { [labels.service]: name }),
      ...(given[composeLabels.number] === undefined ? {} : { [composeLabels.number]: '1' }),
      [labels.canary]: formatCanary({ of: service, share }),
    },
    ...(endpoints.length === 0
      ? {}
      : { NetworkingConfig: { EndpointsConfig: Object.fromEntries(endpoints.map((network) => [network, {}])) } }),
  };
  const stem = bareName(changed.name).replace(/[-_]\d+$/, '');
  return { name: `${stem}-canary-1`, number: 1, request };
}

/** What the service becomes: its own template, with what an update can change. */
export function promotedTemplate(base: ServiceTemplate, { request: { Image, Env } }: ServiceTemplate): ServiceTemplate {
  return { ...base, request: { ...base.request, ...(Image === undefined ? {} : { Image }), ...(Env === undefined ? {} : { Env }) } };
}
