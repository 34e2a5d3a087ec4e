import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { pino } from 'pino';
import { keys, type LeaderMessage, type LeaseRecord } from '../../../src/model/index.ts';
import { startStoreReplicas } from '../../../src/scheduler/agents/store-replicas.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

const lease = (ip: string, kind: LeaseRecord['kind']): LeaseRecord => ({
  ip,
  network: 'n1',
  kind,
  owner: 'abc/web',
  host: '',
  state: 'bound',
  sinceMs: 1,
  epoch: 1,
});

describe('what hosts keep of the store', () => {
  it('addresses of services are among it, those of containers are not; it is sent again when one comes or goes', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const lost = new AbortController();
    try {
      const ledger = new LiteralLedger();
      const [vip, own] = [lease('10.32.0.250', 'service'), lease('10.32.0.5', 'instance')];
      const key = ({ network, ip }: LeaseRecord): string => keys.lease(network, ip);
      ledger.apply([{ kind: 'put', key: key(vip), value: vip }]);
      const sent: (readonly string[])[] = [];
      const hub = {
        hosts: () => ['h1'],
        connected: () => true,
        send: async (_host: string, message: LeaderMessage) => {
          if (message.type === 'keep') sent.push(message.kept.records.map(([name]) => name));
          return true;
        },
      };
      startStoreReplicas({ ledger, connected: () => [], hub, epoch: 1, now: () => 0, log: pino({ level: 'silent' }) }, lost.signal);
      const look = async (): Promise<void> => {
        mock.timers.tick(2_000);
        await Promise.resolve();
      };
      await look();
      ledger.apply([{ kind: 'put', key: key(own), value: own }]);
      await look();
      assert.deepEqual(sent, [[key(vip)]]);
      ledger.apply([{ kind: 'delete', key: key(vip) }]);
      await look();
      assert.deepEqual(sent, [[key(vip)], []]);
    } finally {
      lost.abort();
      mock.timers.reset();
    }
  });
});
