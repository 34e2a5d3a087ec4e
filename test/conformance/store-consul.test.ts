import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { openConsul } from '../../src/store/index.ts';
import { startConsul } from '../support/servers/consul.ts';
import { describeStore } from './store.ts';

describeStore('Consul', true, async () => {
  const consul = await startConsul({ persistent: true });
  return {
    open: () => openConsul(consul.http, { log: pino({ level: 'silent' }) }),
    async outage() {
      await consul.kill();
      await sleep(1500);
      await consul.revive();
    },
    close: () => consul.stop(),
  };
});
