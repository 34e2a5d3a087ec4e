import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { pino } from 'pino';
import { afterHttpMessage, createHttp } from '../../../src/hostagent/http/http.ts';
import { readFigures } from '../../../src/hostagent/http/figures.ts';
import {
  backendOf,
  hostCommands,
  pathsIn,
  type ProxyInput,
  proxyPlan,
  readServers,
  refusedIn,
  serverCommands,
  serverName,
  whyNot,
} from '../../../src/hostagent/http/plan.ts';
import type { Proxy } from '../../../src/hostagent/http/proxy.ts';
import { type HttpInstance, type HttpTable, shareWeights } from '../../../src/model/http.ts';
import { httpTable } from '../../../src/schemas/http.ts';
import { parseHttp } from '../../../src/text/http-label.ts';

const here: HttpInstance = { container: 'c1', host: 'h1', at: '10.9.0.1', address: '10.32.0.1', port: 80, weight: 256 };
const away: HttpInstance = { container: 'c2', host: 'h2', at: '10.9.0.2', address: '10.32.0.2', port: 90, weight: 28, isH2c: true };
const site = 'shop.example.com/api/';
const table: HttpTable = { sites: [{ site, instances: [here, away] }], hosts: ['10.9.0.2'] };
const input: ProxyInput = {
  ...table,
  host: 'h1',
  address: '10.9.0.1',
  listen: { port: 80, tlsPort: 443, certificates: '/etc/certs' },
  folder: '/data/http',
  user: 'haproxy',
  hasIpv6: false,
  certificatesStamp: '',
};
const planOf = (more: Partial<ProxyInput> = {}) => {
  const plan = proxyPlan({ ...input, ...more });
  assert.ok(plan);
  return plan;
};

describe('the plan of a host’s proxy', () => {
  it('calls an instance here at its own address, and one on another host through that host’s proxy', () => {
    const { servers, map, hosts, config } = planOf();
    assert.deepEqual(Object.fromEntries(servers), {
      [`hop/${serverName(here)}`]: { to: '10.32.0.1:80', weight: 0, isH2c: false },
      [`${backendOf(site)}/${serverName(here)}`]: { to: '10.32.0.1:80', weight: 256, isH2c: false },
      [`${backendOf(site)}/${serverName(away)}`]: { to: '10.9.0.2:7378', weight: 28, isH2c: true },
    });
    assert.equal(map, `${site} ${backendOf(site)}\n`);
    assert.deepEqual(hosts, ['10.9.0.1', '10.9.0.2']);
    assert.match(config, /bind \*:80\n {2}bind \*:443 ssl crt \/etc\/certs alpn h2,http\/1\.1\n/);
    assert.match(config, new RegExp(`server ${serverName(away)} 10\\.9\\.0\\.2:7378 weight 28 proto h2\n`));
  });

  it('answers no client where no port is given, and without names there is none', () => {
    const { servers, map, config } = planOf({ listen: undefined });
    assert.deepEqual([...servers.keys()], [`hop/${serverName(here)}`]);
    assert.equal(map, '');
    assert.doesNotMatch(config, /of-clients/);
    assert.equal(proxyPlan({ ...input, sites: [] }), undefined);
  });

  it('is another configuration when names, ports or certificates change, and the same when instances do', () => {
    const { version } = planOf();
    const others: Partial<ProxyInput>[] = [
      { sites: [...table.sites, { site: 'x/', instances: [] }] },
      { sites: [{ site, instances: [here], isSticky: true }] },
      { listen: { port: 81, tlsPort: undefined, certificates: undefined } },
      { certificatesStamp: 'renewed' },
    ];
    assert.equal(new Set([version, ...others.map((more) => planOf(more).version)]).size, 5);
    assert.equal(planOf({ sites: [{ site, instances: [] }], hosts: [] }).version, version);
  });

  it('changes servers one by one; one with connections is out until they have ended', () => {
    const wanted = new Map([
      ['b1/new', { to: '10.9.0.2:7378', weight: 28, isH2c: true }],
      ['b1/moved', { to: '10.9.0.3:7378', weight: 9, isH2c: false }],
      ['b1/back', { to: '10.32.0.9:80', weight: 5, isH2c: false }],
      ['b1/same', { to: '10.32.0.8:80', weight: 5, isH2c: false }],
    ]);
    const state = (name: string, address: string, port: number, weight: number, admin = 0) =>
      `4 b1 1 ${name} ${address} 2 ${admin} ${weight} 1 0 1 0 0 0 0 0 0 - ${port} - 0 0 - - 0`;
    const seen = readServers(
      [
        '1',
        '# be_id be_name srv_id …',
        state('moved', '10.9.0.2', 7378, 5),
        state('back', '10.32.0.9', 80, 5, 1),
        state('same', '10.32.0.8', 80, 5),
        state('gone', '10.32.0.7', 80, 5),
        state('waits', '10.32.0.6', 80, 5, 1),
      ].join('\n'),
    );
    assert.deepEqual(serverCommands(seen, wanted), [
      'add server b1/new 10.9.0.2:7378 weight 28 proto h2',
      'enable server b1/new',
      'set server b1/moved addr 10.9.0.3 port 7378',
      'set server b1/moved weight 9',
      'set server b1/back state ready',
      'set server b1/gone state maint',
      'del server b1/gone',
      'del server b1/waits',
    ]);
    assert.deepEqual(hostCommands('0x55d 10.9.0.1\n0x55e 10.9.0.7\n', ['10.9.0.1', '10.9.0.2'], '/d'), [
      'add acl /d/hosts.lst 10.9.0.2',
      'del acl /d/hosts.lst 10.9.0.7',
    ]);
    const said =
      "New server registered.\n\nServer still has connections attached to it, cannot remove it.\n\nNo such backend.\nip changed from 'a' to 'b'\n";
    assert.deepEqual(refusedIn(said), ['No such backend.']);
  });

  it('follows the leader’s changes', () => {
    const other = { site: 'x/', instances: [] };
    const both = afterHttpMessage(table, { type: 'http', sites: [other] });
    assert.deepEqual(both, { sites: [...table.sites, other], hosts: table.hosts });
    assert.deepEqual(afterHttpMessage(both, { type: 'http', sites: [], gone: [site], hosts: [] }), { sites: [other], hosts: [] });
    assert.deepEqual(afterHttpMessage(both, { type: 'http', isWhole: true, sites: [] }), { sites: [], hosts: table.hosts });
  });
});

describe('what a label says', () => {
  const victim = planOf();
  const own = (config: string): string =>
    config
      .slice(config.indexOf(`backend ${backendOf(site)}`))
      .split('\n\n')[0]
      ?.trim() ?? '';
  /** Longest prefix first, as `map_beg` does it. */
  const leads = (map: string, called: string): string | undefined =>
    map
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([key = '']) => key !== '' && called.startsWith(key))
      .toSorted(([a = ''], [b = '']) => b.length - a.length)[0]?.[1];
  const signs = 'x./,  \n\r\t"\'\\#{}\0*@:+~üA-_;'.split('');
  const nasty = fc.constantFrom('shop.example.com', '/api', 'sticky', ' port=81', '\nbackend b', '%[src]', ' b0', ...signs);
  const label = fc.oneof(
    fc.array(nasty, { maxLength: 9 }).map((parts) => parts.join('')),
    fc.array(nasty, { maxLength: 6 }).map((parts) => `evil.com${parts.join('')} sticky`),
  );

  it('adds lines of its own names to the configuration, and changes none of another service, whatever it is', () => {
    fc.assert(
      fc.property(label, (text) => {
        const claim = parseHttp(text);
        if (claim === undefined) return;
        // another's names are refused at the create
        const names = claim.sites.filter((one) => one !== site);
        const entries = names.map((one) => ({ site: one, instances: [here], ...(claim.isSticky && { isSticky: true as const }) }));
        const plan = planOf({ sites: [...table.sites, ...entries] });
        assert.ok(httpTable.safeParse({ sites: entries, hosts: [] }).success, text);
        assert.equal(plan.map, `${victim.map}${names.map((one) => `${one} ${backendOf(one)}\n`).join('')}`);
        assert.equal(own(plan.config), own(victim.config));
        const lines = (config: string): number => config.split('\n').length;
        assert.equal(lines(plan.config), lines(victim.config) + names.length * (claim.isSticky ? 8 : 5));
        for (const path of ['', 'v1/', 'api/']) {
          const called = `${site}${path}`;
          if (!names.some((one) => called.startsWith(one) && one.startsWith(site))) assert.equal(leads(plan.map, called), backendOf(site));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('what the proxy says when it does not start', () => {
  it('is told as what is in the way', () => {
    const taken = (at: string): string =>
      `[ALERT]    (17) : Binding [/d/haproxy.cfg:33] for frontend of-clients: cannot bind socket (Address already in use) for [${at}]\n`;
    assert.equal(
      whyNot(`haproxy -f x: [NOTICE]   (17) : haproxy version is 2.6\n${taken('0.0.0.0:80')}${taken(':::80')}`),
      "another program has 0.0.0.0:80 and :::80: end it, or let this host's agent answer at other ports (--http, --https)",
    );
    const bad = "haproxy -c: [ALERT]    (9) : config : parsing [/d/haproxy.cfg:37] : 'bind *:443' : unable to load certificate\n";
    assert.equal(
      whyNot(`${bad}[ALERT]    (9) : config : Error(s) found in configuration file : /d/haproxy.cfg\n`),
      "parsing [/d/haproxy.cfg:37] : 'bind *:443' : unable to load certificate",
    );
    assert.equal(whyNot('haproxy: timed out'), undefined);
  });
});

describe('what the proxy has counted', () => {
  it('is of each instance, its requests, failures and time', () => {
    const columns = ['pxname', 'svname', 'stot', 'econ', 'eresp', 'hrsp_1xx', 'hrsp_2xx', 'hrsp_5xx', 'rtime'];
    const line = (name: string, ...counted: number[]) => [backendOf(site), name, ...counted].join();
    const text = [
      `# ${columns.join()}`,
      line(serverName(here), 99, 1, 2, 3, 90, 4, 12),
      line('BACKEND', 9, 9, 9, 9, 9, 9, 9),
      line(serverName(away), 0, 0, 0, 0, 0, 0, 0),
      '',
    ];
    assert.deepEqual(readFigures(text.join('\n'), table), [{ container: 'c1', requests: 100, errors: 7, latencyMs: 12 }]);
  });
});

describe('shares of a canary', () => {
  it('are of all its instances together', () => {
    for (const [instances, canaries, share] of [
      [3, 1, 0.1],
      [1, 1, 0.5],
      [20, 2, 0.01],
      [2, 5, 0.9],
    ] as const) {
      const { instance, canary } = shareWeights(instances, canaries, share);
      const got = (canaries * canary) / (canaries * canary + instances * instance);
      assert.ok(Math.abs(got - share) < 0.01, `${got} for ${share}`);
      assert.ok(Math.max(instance, canary) === 256 && Math.min(instance, canary) >= 1);
    }
    assert.deepEqual(shareWeights(2, 0, 0), { instance: 256, canary: 256 });
    assert.deepEqual(shareWeights(0, 2, 0.1), { instance: 256, canary: 256 });
  });
});

describe('a host without the proxy', () => {
  it('says what to install, where its agent is to answer clients or has an instance', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arpanet-http-'));
    const missing: Proxy = {
      exists: () => Promise.resolve(false),
      version: () => Promise.resolve(undefined),
      isRunning: () => false,
      load: () => Promise.reject(new Error('nothing to load')),
      ask: () => Promise.reject(new Error('nobody to ask')),
      stop: () => Promise.resolve(),
    };
    const agent = (host: string, listen: ProxyInput['listen'], value: HttpTable | undefined) =>
      createHttp(
        {
          host,
          address: '10.9.0.1',
          listen,
          dataDir: folder,
          file: { value: () => value, save: () => undefined },
          proxy: missing,
          log: pino({ level: 'silent' }),
        },
        AbortSignal.abort(),
      );
    const said = /^HTTP by name is not answered as it should be on this host: haproxy cannot be run: apt-get install haproxy on this host/;
    for (const one of [agent('h1', input.listen, undefined), agent('h1', undefined, table), agent('h3', input.listen, table)]) {
      await one.reconcile();
      assert.match(String(one.trouble()), said);
      assert.match(String(await one.differences()), said);
      assert.equal(await one.kind(), undefined);
    }
    await assert.rejects(agent('h1', undefined, table).settle(), /apt-get install haproxy/);
    const idle = agent('h3', undefined, table);
    await idle.settle();
    assert.deepEqual(await idle.differences(), []);
    rmSync(folder, { recursive: true });
  });
});

describe('a proxy that refuses its new configuration', () => {
  it('leads to the instances of now by the one before, and it is said', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arpanet-http-'));
    mkdirSync(join(folder, 'http'));
    writeFileSync(pathsIn(join(folder, 'http')).socket, '');
    const asked: string[] = [];
    const proxy: Proxy = {
      exists: () => Promise.resolve(true),
      version: () => Promise.resolve('before'),
      isRunning: () => true,
      load: () => Promise.reject(new Error('unable to load certificate')),
      ask: (commands) => {
        asked.push(...commands);
        return Promise.resolve('');
      },
      stop: () => Promise.resolve(),
    };
    const file = { value: () => table, save: () => undefined };
    const { address, listen } = input;
    const deps = { host: 'h1', address, listen, dataDir: folder, file, proxy, log: pino({ level: 'silent' }) };
    const agent = createHttp(deps, AbortSignal.abort());
    await agent.reconcile();
    assert.ok(asked.includes(`add server ${backendOf(site)}/${serverName(here)} 10.32.0.1:80 weight 256`), asked.join('\n'));
    assert.match(String(agent.trouble()), /unable to load certificate/);
    await assert.rejects(agent.settle(), /unable to load certificate/);
    rmSync(folder, { recursive: true });
  });
});
