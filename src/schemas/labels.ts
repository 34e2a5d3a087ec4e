/** Schema of what arpanet writes on containers as a label. Pure. */
import { z } from 'zod';
import type { LabelledRecord } from '../model/label-claims.ts';
import { count, filled, ipv4, optional, text, texts } from './fields.ts';

/** Value of the label `arpanet.record`. */
export const labelledRecord: z.ZodType<LabelledRecord> = z.looseObject({
  deployment: filled,
  service: filled,
  number: count,
  addresses: z.record(z.string(), ipv4),
  aliases: z.record(z.string(), texts),
  links: z.array(z.looseObject({ target: text, alias: text })),
  name: optional(text),
  nonce: optional(text),
  labelNames: optional(texts),
});
