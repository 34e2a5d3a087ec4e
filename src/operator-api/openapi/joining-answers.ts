/** What is answered to who joins, and of keys, certificates and releases. */
import { z } from 'zod';
import { count, number, text } from './shapes.ts';

/** By its name in `components/schemas`. */
export const JOINING_ANSWERS = {
  Bundle: { schema: z.object({ bundle: text }), example: { bundle: '-----BEGIN CERTIFICATE-----…' } },
  Certificate: {
    schema: z.object({ certificate: text, bundle: text }),
    example: { certificate: '-----BEGIN CERTIFICATE-----…', bundle: '-----BEGIN CERTIFICATE-----…' },
  },
  Text: { schema: text, example: 'ok|the name h4 is free|' },
  Installer: {
    schema: z.object({ url: text, pin: text.optional(), sha256: text.optional(), version: text }),
    example: { url: 'https://10.0.0.1:2376', pin: 'sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', version: '0.2.0' },
  },
  Keys: { schema: z.object({ keys: z.array(text), missing: z.array(text) }), example: { keys: ['9f86d081884c7d65'], missing: [] } },
  Schema: { schema: z.object({ schema: count, newest: count, waitsFor: text.optional() }), example: { schema: 2, newest: 2 } },
  Cas: {
    schema: z.object({
      authorities: z.array(z.object({ fingerprint: text, signs: z.boolean(), untilMs: number })),
      rotatedMs: number.optional(),
      hosts: z.array(text),
      users: z.array(text),
    }),
    example: { authorities: [{ fingerprint: '5e6f', signs: true, untilMs: 2_111_256_000_000 }], hosts: [], users: [] },
  },
  Boot: {
    schema: z.object({
      servers: z.array(
        z.object({
          name: text,
          interface: text,
          address: text,
          network: text,
          answers: z.boolean(),
          trouble: text.optional(),
          warnings: z.array(text),
          image: text.optional(),
          heardMs: number,
        }),
      ),
      machines: z.array(
        z.object({
          host: text.optional(),
          state: text,
          macs: z.array(text),
          serial: text.optional(),
          address: text.optional(),
          product: text.optional(),
          firmware: text.optional(),
          bootedMs: number.optional(),
        }),
      ),
    }),
    example: {
      servers: [
        {
          name: 's1',
          interface: 'eth1',
          address: '10.50.0.1',
          network: '10.50.0.0/24',
          answers: true,
          warnings: [],
          image: '0.2.0 on Linux 6.1.0-57-amd64',
          heardMs: 1_795_982_400_000,
        },
      ],
      machines: [{ host: 'db-3', state: 'alive', macs: ['52:54:00:12:34:56'], address: '10.50.0.150', bootedMs: 1_795_982_400_000 }],
    },
  },
  BootOrders: {
    schema: z.object({
      answers: z.boolean(),
      leases: z.array(z.object({ mac: text, address: text, name: text, untilMs: number })),
      machines: z.array(z.object({ host: text, macs: z.array(text), serial: text.optional(), address: text.optional(), atMs: number })),
    }),
    example: { answers: true, leases: [], machines: [{ host: 'db-3', macs: ['52:54:00:12:34:56'], atMs: 1_795_982_400_000 }] },
  },
  BootPass: {
    schema: z.object({ host: text, token: text, join: z.array(text) }),
    example: { host: 'db-3', token: 'ARPTKN-1-…', join: ['https://10.0.0.1:2378'] },
  },
  Token: { schema: z.object({ token: text }), example: { token: 'join-me' } },
  IssuedToken: { schema: z.object({ token: text, untilMs: number }), example: { token: 'ARPTKN-1-…', untilMs: 1_796_068_800_000 } },
} as const;
