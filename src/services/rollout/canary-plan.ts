/** A canary: a few instances of what a service is to become, which get a share of its requests by HTTP name. What they are made from, and how they are judged. Pure. */
import {
  canaryOf,
  composeLabels,
  type CreateRequest,
  formatCanary,
  type HttpFigures,
  type HttpTotals,
  labels,
  serviceKey,
  type ServiceId,
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

/** Of the containers named, over all hosts that have counted. */
export function totalOf(figures: readonly HttpFigures[], containers: ReadonlySet<string>): HttpTotals {
  const own = figures.filter(({ container }) => containers.has(container));
  const sum = (of: (one: HttpFigures) => number): number => own.reduce((total, one) => total + of(one), 0);
  const requests = sum((one) => one.requests);
  return {
    requests,
    errors: sum((one) => one.errors),
    latencyMs: requests === 0 ? 0 : Math.round(sum((one) => one.latencyMs * one.requests) / requests),
  };
}

/** With fewer requests chance decides. */
const LEAST_REQUESTS = 50;
/** A part of the requests that may fail beyond what fails anyway. */
const MORE_ERRORS = 0.01;
/** It may take so many times as long, and so many milliseconds more. */
const [SLOWER, SLOWER_MS] = [1.5, 10];

export function judgeCanary(base: HttpTotals, canary: HttpTotals): { readonly verdict: 'good' | 'bad' | 'unknown'; readonly why: string } {
  const rate = ({ requests, errors }: HttpTotals): number => (requests === 0 ? 0 : errors / requests);
  const shown = (one: HttpTotals): string => `${(rate(one) * 100).toFixed(1)}% errors, ${one.latencyMs} ms`;
  const figures = `canary: ${shown(canary)}, of ${canary.requests} requests; others: ${shown(base)}, of ${base.requests}`;
  if (canary.requests < LEAST_REQUESTS)
    return { verdict: 'unknown', why: `too few requests to judge it, ${LEAST_REQUESTS} are needed (${figures})` };
  if (rate(canary) > rate(base) + MORE_ERRORS) return { verdict: 'bad', why: `more requests fail (${figures})` };
  const isSlower = base.requests >= LEAST_REQUESTS && canary.latencyMs > base.latencyMs * SLOWER + SLOWER_MS;
  return isSlower
    ? { verdict: 'bad', why: `it is slower (${figures})` }
    : { verdict: 'good', why: `it does as well as the others (${figures})` };
}
