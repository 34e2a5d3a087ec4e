/** Schemas of the state store: what elections and founding a cluster read from it, and the contents of records. Pure. */
import { z } from 'zod';
import type { CaRecord, LeaderRecord } from '../model/records.ts';
import { amount, cidr, epoch, filled, flag, hostName, hostPort, id, ipv4, number, object, optional, text, vni } from './fields.ts';

/** Value of the leader's lock. */
export const leaderRecord: z.ZodType<LeaderRecord> = z.looseObject({ url: text, name: text, epoch });

/** Value of `arpanet/epoch`. */
export const storedEpoch: z.ZodType<number> = epoch;

/** The cluster's id, and its join token. */
export const identityText: z.ZodType<string> = filled;

/** Digests of join tokens that were rotated away. */
export const replacedTokens: z.ZodType<readonly string[]> = z.array(filled);

/** The cluster's certificate authorities. */
export const caRecord: z.ZodType<CaRecord> = z.looseObject({
  authorities: z.array(z.looseObject({ certificate: filled, key: filled, cross: optional(filled) })).min(1),
  rotatedMs: optional(number),
});

const availability = z.enum(['active', 'pause', 'drain']);
const limits = z.looseObject({ cpus: optional(amount), memoryBytes: optional(amount), maxContainers: optional(amount) });
const addresses = z.record(z.string(), ipv4);
/** Of an instance; -1 and the like would be in no name. */
const instanceNumber = z.int().min(0);

/**
 * What a record must hold beside values of the right type (store/ledger/record-types.ts), by its struct there: addresses, subnets and words that
 * others compute with, and that agents refuse in messages.
 */
export const recordContents: Readonly<Record<string, z.ZodType>> = {
  'record.Host': z.looseObject({ name: hostName, address: ipv4, gateway: hostPort, availability, limits: optional(limits) }),
  'record.Admission': z.looseObject({
    name: hostName,
    kind: z.enum(['expected', 'removed']),
    was: optional(ipv4),
    availability: optional(availability),
    limits: optional(limits),
  }),
  'record.Certificate': z.looseObject({ host: hostName, serials: z.array(filled), revokedSerials: optional(z.array(filled)) }),
  'record.Migration': z.looseObject({ deployment: filled, service: filled, name: filled, number: instanceNumber }),
  'record.Network': z.looseObject({
    id,
    name: filled,
    cidr,
    vni,
    ipRange: optional(cidr),
    gateway: optional(ipv4),
    auxAddresses: addresses,
    ipv6: optional(z.looseObject({ cidr: text, isEnabled: flag, config: object })),
  }),
  'record.Subnet': z.looseObject({ cidr, network: id }),
  'record.Lease': z.looseObject({
    ip: ipv4,
    network: id,
    kind: z.enum(['instance', 'gateway', 'user', 'service']),
    state: z.enum(['offered', 'bound', 'resting']),
  }),
  'record.Container': z.looseObject({
    name: filled,
    id: optional(id),
    host: filled,
    deployment: filled,
    service: filled,
    number: instanceNumber,
    addresses,
  }),
  'record.Lost': z.looseObject({ id, name: filled, host: filled, addresses }),
  'record.Service': z.looseObject({
    deployment: filled,
    service: filled,
    origin: z.enum(['client', 'api']),
    template: z.looseObject({ name: filled, number: instanceNumber }),
    update: z.looseObject({
      parallelism: amount,
      delayMs: amount,
      order: z.enum(['start-first', 'stop-first']),
      onFailure: z.enum(['rollback', 'pause', 'continue']),
      monitorMs: amount,
      patienceMs: amount,
      drainMs: amount,
    }),
  }),
  'record.Secret': z.looseObject({ kind: z.enum(['secret', 'config']), id, name: filled, version: number }),
  'record.Deployment': z.looseObject({
    name: filled,
    state: z.enum(['applying', 'applied', 'failed', 'stopped', 'releasing']),
    operation: filled,
  }),
  'record.User': z.looseObject({
    name: filled,
    role: z.enum(['viewer', 'deployer', 'operator', 'admin']),
    certificates: z.array(z.looseObject({ fingerprint: filled, toMs: number, ca: optional(filled) })),
  }),
  'record.Policy': z.looseObject({ role: z.enum(['deployer', 'operator']), rules: z.looseObject({}) }),
  'record.Volume': z.looseObject({ name: filled }),
  'record.Tag': z.looseObject({ tag: filled, id }),
  'record.OutsideName': z.looseObject({
    name: filled,
    entries: z.array(z.looseObject({ type: z.enum(['A', 'AAAA', 'CNAME', 'SRV', 'TXT']), value: filled })),
  }),
};
