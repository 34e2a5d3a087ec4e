import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { pingEveryMs, serviceManager } from '../../../src/processes/service/manager.ts';
import { reloadOf } from '../../../src/processes/service/reload.ts';

const log = pino({ level: 'silent' });

describe('the service manager', () => {
  it('is notified of readiness, a reload and the end, in the words of sd_notify', () => {
    const sent: string[][] = [];
    const manager = serviceManager({ NOTIFY_SOCKET: '/run/systemd/notify' }, log, { notify: (words) => sent.push([...words]) });
    manager.ready('answers');
    manager.reloading();
    manager.stopping();
    assert.deepEqual(sent, [['READY=1', 'STATUS=answers'], ['RELOADING=1'], ['STOPPING=1']]);
  });

  it('is left alone where none waits', () => {
    const manager = serviceManager({ WATCHDOG_USEC: '1000' }, log, { notify: () => assert.fail('nobody waits for it') });
    manager.ready('answers');
    manager.stopping();
  });

  it('gets three pings in the time after which it ends a process, and none that it wants from another', () => {
    assert.equal(pingEveryMs({ WATCHDOG_USEC: '60000000' }, 7), 20_000);
    assert.equal(pingEveryMs({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '7' }, 7), 20_000);
    assert.equal(pingEveryMs({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '8' }, 7), undefined);
    assert.equal(pingEveryMs({}, 7), undefined);
    assert.equal(pingEveryMs({ WATCHDOG_USEC: 'soon' }, 7), undefined);
  });
});

describe('a reload', () => {
  it('applies what can change while a process runs, and names what wants a restart', () => {
    const running = { listen: { host: 'a', port: 1 }, strategy: 'spread', leaseRest: 1, name: 'x' };
    const wanted = { listen: { host: 'a', port: 2 }, strategy: 'binpack', leaseRest: 1, publishAt: '10.0.0.9', name: 'x' };
    assert.deepEqual(reloadOf(running, wanted, ['strategy', 'leaseRest']), { taken: ['strategy'], wantRestart: ['listen', 'publishAt'] });
    assert.deepEqual(reloadOf(running, { ...running, listen: { host: 'a', port: 1 } }, ['strategy']), { taken: [], wantRestart: [] });
  });
});
