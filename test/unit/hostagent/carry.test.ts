import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { it } from 'node:test';
import type { IngressPort } from '../../../src/model/ingress.ts';
import { carryCall } from '../../../src/hostagent/ingress/carry.ts';

it('an agent carries so many calls of published ports at once, and resets more; one that ends makes room', async () => {
  const instance = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket)).listen(0, '127.0.0.1');
  await once(instance, 'listening');
  const target = (instance.address() as AddressInfo).port;
  const port: IngressPort = { port: 8080, protocol: 'tcp', instances: [{ host: 'h1', at: '127.0.0.1', address: '127.0.0.1', target }] };
  const ends: Promise<unknown>[] = [];
  const published = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy());
    ends.push(once(client, 'close'));
    void carryCall(client, port, 'h1', 1);
  }).listen(0, '127.0.0.1');
  await once(published, 'listening');
  const call = (): Socket => connect((published.address() as AddressInfo).port, '127.0.0.1');
  const said = async (caller: Socket): Promise<string> => {
    caller.write('x');
    const [back] = (await once(caller, 'data')) as [Buffer];
    return back.toString();
  };
  const first = call();
  assert.equal(await said(first), 'x');
  const second = call();
  await assert.rejects(
    once(second, 'close').then(() => said(second)),
    /ECONNRESET/,
  );
  first.destroy();
  await Promise.all(ends);
  const third = call();
  assert.equal(await said(third), 'x');
  third.destroy();
  await Promise.all(ends);
  instance.close();
  published.close();
});
