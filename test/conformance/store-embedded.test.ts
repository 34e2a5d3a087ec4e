import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openEmbedded } from '../../src/store/index.ts';
import { describeStore } from './store.ts';

describeStore('the embedded database', false, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'arpanet-store-'));
  return {
    open: () => openEmbedded(dir, pino({ level: 'silent' })),
    close: () => rm(dir, { recursive: true, force: true }),
  };
});
