/** Schemas of the files in an agent's data folder. Pure. */
import { z } from 'zod';
import { epoch, filled, ipv4, optional, text } from './fields.ts';
import { ingressTable, nameChange, nameTable, networkPlans, storeReplica } from './wire.ts';

/** `DIR/epoch`. */
export interface EpochFile {
  readonly epoch?: number;
  readonly clusterId?: string;
}

const epochFile: z.ZodType<EpochFile> = z.looseObject({ epoch: optional(epoch), clusterId: optional(text) });
/** `DIR/identity.json`: the certificate of this host, its key, and the CAs that it trusts, in PEM form. */
export interface IdentityFile {
  readonly host: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly bundle: string;
}

const identityFile: z.ZodType<IdentityFile> = z.looseObject({ host: filled, certificate: filled, privateKey: filled, bundle: filled });
/** One of `DIR/tunnel.json`. */
export interface TunnelKey {
  readonly slot: 'a' | 'b';
  readonly privateKey: string;
  readonly publicKey: string;
  readonly madeAtMs: number;
}

const tunnel: z.ZodType<readonly TunnelKey[]> = z.array(
  z.looseObject({ slot: z.enum(['a', 'b']), privateKey: filled, publicKey: filled, madeAtMs: z.number() }),
);
const fence: z.ZodType<readonly string[]> = z.array(ipv4);

/** By file. */
export const agentFiles = {
  epoch: epochFile,
  identity: identityFile,
  names: nameTable,
  nameChange,
  plans: networkPlans,
  replica: storeReplica,
  ingress: ingressTable,
  fence,
  tunnel,
} as const;
