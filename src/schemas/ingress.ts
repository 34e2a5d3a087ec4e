/** Schemas of published ports that every host answers for (model/ingress.ts), from leaders and from an agent's file. Pure. */
import { z } from 'zod';
import type { IngressPort, IngressTable } from '../model/ingress.ts';
import type { LeaderMessage } from '../model/wire.ts';
import { hostName, ipv4, ipv6, optional, port, texts } from './fields.ts';

const aPort = port.min(1);

const ingressPort: z.ZodType<IngressPort> = z.looseObject({
  port: aPort,
  protocol: z.enum(['tcp', 'udp']),
  instances: z.array(
    z.looseObject({
      host: hostName,
      at: ipv4,
      address: ipv4,
      target: aPort,
      at6: optional(ipv6),
      address6: optional(ipv6),
      isProxied: optional(z.literal(true)),
    }),
  ),
});

/** Published ports that a host answers for, in an agent's file. */
export const ingressTable: z.ZodType<IngressTable> = z.looseObject({
  ports: z.array(ingressPort),
  hosts: z.array(ipv4),
  hosts6: optional(z.array(ipv6)),
});

export const ingressMessage: z.ZodType<Extract<LeaderMessage, { readonly type: 'ingress' }>> = z.looseObject({
  type: z.literal('ingress'),
  isWhole: optional(z.literal(true)),
  ports: z.array(ingressPort),
  gone: optional(texts),
  hosts: optional(z.array(ipv4)),
  hosts6: optional(z.array(ipv6)),
});
