/** Schemas of what gateways and schedulers answer each other by HTTP. Pure. */
import { z } from 'zod';
import type { LeaderHeard, RecoveryFacts } from '../model/wire.ts';
import { amount, epoch, hostName, hostPort, ipv4, optional, text, textMap, texts } from './fields.ts';
import { networkPlans, storeReplica } from './wire.ts';

/** Answer of a gateway to `GET /kept`. */
export const recoveryFacts: z.ZodType<RecoveryFacts> = z.looseObject({
  host: z.looseObject({ name: hostName, address: ipv4, gateway: hostPort, labels: textMap }),
  epoch,
  clusterId: text,
  plans: networkPlans,
  state: storeReplica.optional(),
});

/** Answer of a gateway to `GET /leader`. */
export const leaderHeard: z.ZodType<LeaderHeard> = z.looseObject({ epoch, heardMsAgo: amount });

/** What a scheduler answers to `GET /arpanet/v1/ca` and, with a certificate, `POST /arpanet/v1/join`. */
export const joinAnswer: z.ZodType<{ readonly certificate?: string; readonly bundle: string }> = z.looseObject({
  certificate: optional(text),
  bundle: text,
});

/** The leader's answer to a scheduler that has other cluster keys. */
export const sentKeys: z.ZodType<{ readonly clusterKeys: readonly string[] }> = z.looseObject({ clusterKeys: texts });

/** Answer of a gateway to `POST /layers`. */
export const imageLayers: z.ZodType<{ readonly layers: readonly string[] }> = z.looseObject({ layers: texts });
