/** Schemas of the files in an agent's data folder. Pure. */
import { z } from 'zod';
import { epoch, ipv4, optional, text } from './fields.ts';
import { nameTable, networkPlans, storeReplica } from './wire.ts';

/** `DIR/epoch`. */
export interface EpochFile {
  readonly epoch?: number;
  readonly clusterId?: string;
}

const epochFile: z.ZodType<EpochFile> = z.looseObject({ epoch: optional(epoch), clusterId: optional(text) });
const fence: z.ZodType<readonly string[]> = z.array(ipv4);

/** By file. */
export const agentFiles = { epoch: epochFile, names: nameTable, plans: networkPlans, replica: storeReplica, fence } as const;
