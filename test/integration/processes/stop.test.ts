/** A scheduler that is to end, as by `systemctl stop`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

it('a scheduler that stops answers what was asked of it before, and ends streams', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-stop-'));
  try {
    const scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir });
    await scheduler.ready();
    const port = Number(new URL(scheduler.url).port);
    const [stream, create] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    stream.write('GET /events HTTP/1.1\r\nHost: d\r\n\r\n');
    await once(stream, 'data');
    const body = JSON.stringify({ Image: 'busybox' });
    create.write(
      `POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n{`,
    );
    // the connection of a ping is the later one: the scheduler has read what came before
    await scheduler.call('GET', '/_ping');
    const ended = scheduler[Symbol.asyncDispose]();
    await scheduler.call('GET', '/version');
    create.write(body.slice(1));
    const answered = text(create);
    await ended;
    assert.match(await answered, /^HTTP\/1\.1 503 [\s\S]*\{"message":"no host/);
    assert.equal(stream.resume().destroyed || (await once(stream, 'close').then(() => true)), true);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
