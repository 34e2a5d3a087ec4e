import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allowedHosts, refuseCrossSite, refuseHost } from '../../../src/security/index.ts';

const own = allowedHosts(['Docker.Corp.Example', '*.lab.example', '10.0.0.1', '']);

describe('the Host of a request', () => {
  for (const host of [
    undefined,
    '',
    '127.0.0.1:2375',
    '10.9.8.7',
    '[::1]:2375',
    '[fd00::2]',
    'localhost',
    'localhost:2375',
    'LOCALHOST.:2375',
    'api.moby.localhost',
    'docker',
    'scheduler-1:2375',
    'host.docker.internal:2375',
    'docker.corp.example',
    'DOCKER.corp.example.:2375',
    'a.lab.example:1',
  ]) {
    it(`${host ?? 'none'} is allowed`, () => assert.equal(refuseHost(host, own), undefined));
  }

  for (const host of [
    'evil.example',
    'evil.example:2375',
    '127.0.0.1.evil.example:2375',
    '127.0.0.1.nip.io',
    'localhost.evil.example',
    'evillab.example',
    'lab.example',
    'corp.example',
    'x.docker.corp.example',
    '127.0.0.1:2375@evil.example',
    'evil.example:99999',
    '1.2.3.4.5',
    '127.1.',
  ]) {
    it(`${host} is refused, and the refusal says what to do`, () => assert.match(refuseHost(host, own) ?? '', /--allow-host/));
  }
});

describe('a request of a browser', () => {
  const host = '127.0.0.1:2375';
  it('is taken from a page of this very origin, or where its user typed the address', () => {
    for (const head of [
      { host },
      { host, 'sec-fetch-site': 'none' },
      { host, 'sec-fetch-site': 'same-origin', origin: `http://${host}` },
      { host, origin: `HTTP://${host}`.toLowerCase() },
      { host: 'Docker:2375', origin: 'https://docker:2375' },
      { host, origin: `ws://${host}` },
    ])
      assert.equal(refuseCrossSite(head), undefined, JSON.stringify(head));
  });

  it('is refused from every other page: another site, another port, a file', () => {
    for (const head of [
      { host, 'sec-fetch-site': 'cross-site' },
      { host, 'sec-fetch-site': 'same-site' },
      { host, 'sec-fetch-site': 'whatever' },
      { host, 'sec-fetch-site': '' },
      { host, 'sec-fetch-site': ['none', 'none'] },
      { host, origin: 'null' },
      { host, origin: '' },
      { host, origin: 'http://evil.example' },
      { host, origin: 'http://127.0.0.1:3000' },
      { host, origin: 'http://127.0.0.1' },
      { host, origin: `http://${host}.evil.example` },
      { host, origin: `file://${host}` },
      { host, origin: `http://${host}, http://evil.example` },
      { host: '', origin: 'http://' },
      { origin: `http://${host}` },
    ])
      assert.match(refuseCrossSite(head) ?? '', /another site/, JSON.stringify(head));
  });
});
