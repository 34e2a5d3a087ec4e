/** Every list, table and plan with one entry that breaks whatever reads it: its neighbours are as they are without it, and it is named. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { withLive } from '../../src/config/live.ts';
import { compileZone } from '../../src/dns/zone.ts';
import { linkNamesOf } from '../../src/docker-api/containers/show.ts';
import { mergeImages } from '../../src/docker-api/images/list.ts';
import { showNetworks } from '../../src/docker-api/networks/list.ts';
import { parseFilters } from '../../src/docker-api/reads/filters.ts';
import { mergeDiskUsage } from '../../src/docker-api/system/disk-usage.ts';
import { showInfo } from '../../src/docker-api/system/info.ts';
import { selectVolumes } from '../../src/docker-api/volumes/list.ts';
import type { ContainerView } from '../../src/model/index.ts';
import { hostReports } from '../../src/operator-api/reports/report.ts';
import { published } from '../../src/publish/plan.ts';
import { outsideRegistrations, registrations } from '../../src/registrar/catalog.ts';
import { instancesOf } from '../../src/registrar/instance.ts';
import { adoptions } from '../../src/scheduler/containers/adopt-plan.ts';
import { hostSnapshot } from '../../src/scheduler/view/host-snapshots.ts';
import { noImages } from '../../src/scheduler/view/image-index.ts';
import { planReschedule } from '../../src/services/reschedule/reschedule-plan.ts';
import { forgetLeftOut, leftOutNow } from '../../src/telemetry/left-out.ts';
import { literalHost, literalImage, literalNetwork } from '../support/fakes/literal-cluster.ts';
import { literalRecord, literalView } from '../support/fakes/literal-containers.ts';
import { instance, nameTable } from '../support/fakes/literal-names.ts';

/** The same with its name, and nothing else that can be read. */
function broken<T extends object>(good: T, ...readable: readonly (keyof T)[]): T {
  return new Proxy(good, {
    get(target, field) {
      if (readable.includes(field as keyof T) || typeof field === 'symbol') return Reflect.get(target, field) as unknown;
      throw new Error(`no ${field}`);
    },
    ownKeys() {
      throw new Error('no fields');
    },
  });
}

const web = literalView(literalRecord('abc_web_1'));
const bad: ContainerView = broken(literalView(literalRecord('abc_bad_1')), 'id', 'name', 'host');
const badHost = broken(literalHost('h2'), 'name', 'state', 'facts', 'record', 'why');
const about = { name: 's1', epoch: 1, clusterId: 'c', strategy: 'spread', schedulers: ['s1'] };
const own = {
  strategy: 'spread',
  pool: '10.32.0.0/12',
  hostDownAfter: 1,
  leaseRest: 1,
  overcommitCpu: 1,
  overcommitMemory: 1,
  drainTime: 0,
  encryptNetworks: 'asked',
  publishMode: 'host',
  bodyLimit: 1,
  logLevel: 'info',
  reschedule: 'restart',
} as const;
const snapshot = (containers: readonly ContainerView[]) =>
  hostSnapshot({ host: literalHost('h1'), loadAtMs: 0, containers, creating: [], images: noImages, pending: [] });
const outside = { name: 'x.abc', entries: [{ type: 'A', value: '10.0.0.9' }] } as const;
const hosts = [{ name: 'h1', address: '10.0.0.1', state: 'alive' }] as const;
const plan = (containers: readonly ContainerView[]) =>
  planReschedule({ containers, lostHosts: new Set(['h1']), isHeld: () => true, isRestartEnough: true, stopped: new Set() });
const volume = (name: string) => ({ record: undefined, name, host: 'h1', summary: { Name: name, Driver: 'local' } });
const network = (name: string) => ({ record: literalNetwork(name, name), members: [] });

/** With the bad entry, and without it. */
const LISTS: Readonly<Record<string, readonly [withBad: () => unknown, without: () => unknown]>> = {
  'the names that links give': [
    () => linkNamesOf([broken(literalRecord('abc_bad_1'), 'name'), literalRecord('abc_web_1')]),
    () => linkNamesOf([literalRecord('abc_web_1')]),
  ],
  'the list of images': [
    () => mergeImages([[broken(literalImage('i2', []), 'Id'), literalImage('i1', ['a:1'])]], new Map()),
    () => mergeImages([[literalImage('i1', ['a:1'])]], new Map()),
  ],
  'the list of networks': [
    () =>
      showNetworks(
        [{ record: broken(literalNetwork('n2', 'bad'), 'name', 'id', 'implicit', 'deployment'), members: [] }, network('n1')],
        [],
        '1.41',
      ),
    () => showNetworks([network('n1')], [], '1.41'),
  ],
  'the members of networks': [() => showNetworks([], [bad, web], '1.41'), () => showNetworks([], [web], '1.41')],
  'the list of volumes': [
    () => selectVolumes([broken(volume('v2'), 'name'), volume('v1')], parseFilters(null), [], '/d'),
    () => selectVolumes([volume('v1')], parseFilters(null), [], '/d'),
  ],
  'docker info': [
    () => ({ ...showInfo([literalHost('h1')], [bad, web], 0, about, '1', 0), Containers: 1, ContainersStopped: 0 }),
    () => showInfo([literalHost('h1')], [web], 0, about, '1', 0),
  ],
  'docker system df': [
    () => mergeDiskUsage([{ Images: [null, broken(literalImage('i2', []), 'Id'), literalImage('i1', [])], Containers: null }], () => 1),
    () => mergeDiskUsage([{ Images: [literalImage('i1', [])], Containers: null }], () => 1),
  ],
  'the report of hosts': [
    () => hostReports({ hosts: [literalHost('h1')], containers: [bad, web] }),
    () => hostReports({ hosts: [literalHost('h1')], containers: [web] }),
  ],
  'the report of hosts without a host': [
    () => hostReports({ hosts: [broken(badHost, 'name'), literalHost('h1')], containers: [] }),
    () => hostReports({ hosts: [literalHost('h1')], containers: [] }),
  ],
  'the instances': [
    () =>
      instancesOf({
        records: [literalRecord('abc_bad_1'), literalRecord('abc_web_1')],
        containers: [bad, web],
        withdrawn: new Set(),
        joining: new Set(),
      }),
    () => instancesOf({ records: [literalRecord('abc_web_1')], containers: [web], withdrawn: new Set(), joining: new Set() }),
  ],
  'the catalog': [
    () =>
      registrations([broken(instance('2.web.abc', { n1: '10.32.0.3' }), 'id', 'host'), instance('1.web.abc', { n1: '10.32.0.2' })], hosts),
    () => registrations([instance('1.web.abc', { n1: '10.32.0.2' })], hosts),
  ],
  'the catalog’s outside names': [
    () => outsideRegistrations([broken({ ...outside, name: 'bad.abc' }, 'name'), outside]),
    () => outsideRegistrations([outside]),
  ],
  'the DNS zone': [
    () => [
      ...compileZone(
        nameTable(broken(instance('2.web.abc', { n1: '10.32.0.3' }), 'id', 'addresses'), instance('1.web.abc', { n1: '10.32.0.2' })),
      ).owners.keys(),
    ],
    () => [...compileZone(nameTable(instance('1.web.abc', { n1: '10.32.0.2' }))).owners.keys()],
  ],
  placement: [() => snapshot([bad, web]), () => snapshot([web])],
  'the comparison with Engines': [
    () => adoptions([], [bad, web], new Set(), () => undefined),
    () => adoptions([], [web], new Set(), () => undefined),
  ],
  'published ports': [() => published([bad, web]), () => published([web])],
  'the replacement of lost containers': [() => plan([bad, web]), () => plan([web])],
  'the cluster’s settings': [() => withLive(own, { strategy: 'none', pool: '10.0.0.0/12' }), () => withLive(own, { pool: '10.0.0.0/12' })],
};

describe('one entry that cannot be read costs itself alone', () => {
  beforeEach(forgetLeftOut);
  for (const [list, [withBad, without]] of Object.entries(LISTS))
    it(`in ${list}`, () => {
      const found = withBad();
      assert.ok(leftOutNow().length > 0, 'it is named');
      assert.deepEqual(found, without());
      assert.deepEqual(leftOutNow(), [], 'it is named no more once it is gone');
    });
});
