/** Both stores, for tests that put something into one that no scheduler would. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openConsul, openEmbedded, type StateStore } from '../../../src/store/index.ts';
import { startConsul } from '../servers/consul.ts';
import type { startSmallScheduler } from './small-scheduler.ts';

const log = pino({ level: 'silent' });

export interface Place {
  readonly settings: Parameters<typeof startSmallScheduler>[1];
  open(): Promise<StateStore>;
  /** Names of the catalog's services; undefined: there is no catalog. */
  catalog(): Promise<readonly string[] | undefined>;
  /** Stores a text that need not be JSON; undefined: this store takes none. */
  readonly raw: ((key: string, text: string) => Promise<void>) | undefined;
  close(): Promise<void>;
}

export const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  'the embedded store': async () => {
    const dir = await mkdtemp(join(tmpdir(), 'arpanet-bad-'));
    return {
      settings: { kind: 'embedded', dir },
      open: () => openEmbedded(dir, log),
      catalog: async () => undefined,
      raw: undefined,
      close: () => rm(dir, { recursive: true, force: true }),
    };
  },
  Consul: async () => {
    const consul = await startConsul();
    return {
      settings: { kind: 'consul', address: consul.http },
      open: () => openConsul(consul.http, { log }),
      catalog: async () => Object.keys((await (await fetch(`http://${consul.http}/v1/catalog/services`)).json()) as object),
      raw: async (key, text) => {
        await fetch(`http://${consul.http}/v1/kv/${key}`, { method: 'PUT', body: text });
      },
      close: () => consul.stop(),
    };
  },
};
