/** Schemas of names by which HTTP reaches services (model/http.ts), from leaders and from an agent's file. Pure. */
import { z } from 'zod';
import { type HttpFigures, type HttpSite, type HttpTable, MOST_WEIGHT } from '../model/http.ts';
import type { NamedHttp } from '../model/name-table.ts';
import type { LeaderMessage } from '../model/wire.ts';
import { amount, count, filled, hostName, ipv4, optional, port, texts } from './fields.ts';

const yes = optional(z.literal(true));
/** It becomes a line of a proxy's configuration. */
const site = z.string().regex(/^[a-z0-9.-]{1,253}\/[A-Za-z0-9._~@:+/-]{0,200}$/, 'not a host name and path such as shop.example.com/api/');
/** Where an instance is called: in a name table, and in a message. */
const reached = { address: ipv4, port: port.min(1), isH2c: yes };

export const namedHttp: z.ZodType<NamedHttp> = z.looseObject({
  ...reached,
  sites: z.array(site),
  isSticky: yes,
  canary: optional(z.looseObject({ of: filled, share: z.number().min(0).max(1) })),
});

const httpSite: z.ZodType<HttpSite> = z.looseObject({
  site,
  isSticky: yes,
  instances: z.array(z.looseObject({ ...reached, container: filled, host: hostName, at: ipv4, weight: z.int().min(1).max(MOST_WEIGHT) })),
});

/** Names by which HTTP reaches services, in an agent's file. */
export const httpTable: z.ZodType<HttpTable> = z.looseObject({ sites: z.array(httpSite), hosts: z.array(ipv4) });

export const httpMessage: z.ZodType<Extract<LeaderMessage, { readonly type: 'http' }>> = z.looseObject({
  type: z.literal('http'),
  isWhole: yes,
  sites: z.array(httpSite),
  gone: optional(texts),
  hosts: optional(z.array(ipv4)),
});

export const httpFigures: z.ZodType<HttpFigures> = z.looseObject({ container: filled, requests: count, errors: count, latencyMs: amount });
