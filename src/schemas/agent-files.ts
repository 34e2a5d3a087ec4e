/** Schemas of the files in an agent's data folder. Pure. */
import { z } from 'zod';
import { epoch, filled, ipv4, optional, text } from './fields.ts';
import { httpTable } from './http.ts';
import { ingressTable } from './ingress.ts';
import { nameChange, nameTable, networkPlans, storeReplica } from './wire.ts';

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
/** One of `DIR/checks.json`: what a check found last of one run of a container. */
export interface KeptCheck {
  readonly id: string;
  /** When that run began, as its Engine says. */
  readonly startedAt: string;
  readonly status: 'healthy' | 'unhealthy';
}

const checks: z.ZodType<readonly KeptCheck[]> = z.array(
  z.looseObject({ id: filled, startedAt: text, status: z.enum(['healthy', 'unhealthy']) }),
);

/** By file. */
export const agentFiles = {
  epoch: epochFile,
  identity: identityFile,
  names: nameTable,
  nameChange,
  plans: networkPlans,
  replica: storeReplica,
  ingress: ingressTable,
  http: httpTable,
  fence,
  checks,
  tunnel,
} as const;
