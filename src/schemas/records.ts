/** Schemas of what elections and founding a cluster read from the state store; all other records have their own check (store/ledger). Pure. */
import { z } from 'zod';
import type { LeaderRecord } from '../model/records.ts';
import { epoch, filled, text } from './fields.ts';

/** Value of the leader's lock. */
export const leaderRecord: z.ZodType<LeaderRecord> = z.looseObject({ url: text, name: text, epoch });

/** Value of `arpanet/epoch`. */
export const storedEpoch: z.ZodType<number> = epoch;

/** The cluster's id, and its join token. */
export const identityText: z.ZodType<string> = filled;
