/** One good record of each kind that the store holds, and ways to make one bad. */
import { keys, UPDATE_DEFAULTS } from '../../../src/model/index.ts';
import { literalHost, literalNetwork } from './literal-cluster.ts';
import { literalRecord } from './literal-containers.ts';

export type StoredFields = Readonly<Record<string, unknown>>;

const template = {
  name: 'abc-web-1',
  number: 1,
  request: { Image: 'web', Env: ['A=1'], HostConfig: { Memory: 1, Mounts: [{ Type: 'volume' }] } },
};
export const GOOD_SERVICE = {
  deployment: 'abc',
  service: 'web',
  origin: 'api',
  desired: 2,
  countedAtMs: 0,
  template,
  update: UPDATE_DEFAULTS,
  labels: { a: 'b' },
  spec: { Name: 'abc_web', TaskTemplate: { ContainerSpec: { Image: 'web' } }, UpdateConfig: null },
  stopped: [],
  version: 1,
  createdAtMs: 0,
  updatedAtMs: 0,
};
/** One good record of each kind. */
export const GOOD_RECORDS: Readonly<Record<string, StoredFields>> = {
  [keys.host('h1')]: { ...literalHost('h1').record },
  [keys.admission('h2')]: { name: 'h2', kind: 'expected', atMs: 0, setLabels: { a: null } },
  [keys.migration('abc', 'web')]: {
    deployment: 'abc',
    service: 'web',
    from: 'x',
    name: 'abc-web-1',
    host: 'h1',
    number: 2,
    startedAtMs: 0,
  },
  [keys.network('n1')]: { ...literalNetwork('n1', 'abc_default') },
  [keys.subnet('10.0.0.0/24')]: { cidr: '10.0.0.0/24', network: 'n1' },
  [keys.lease('n1', '10.0.0.2')]: {
    ip: '10.0.0.2',
    network: 'n1',
    kind: 'instance',
    owner: 'web',
    host: 'h1',
    state: 'bound',
    sinceMs: 0,
    epoch: 1,
  },
  [keys.container('abc_web_1')]: { ...literalRecord('abc_web_1') },
  [keys.lostContainer('x')]: { id: 'x', name: 'web', host: 'h1', addresses: {}, isReplaced: true, sinceMs: 0 },
  [keys.service('abc', 'web')]: GOOD_SERVICE,
  [keys.secret('secret', 's1')]: {
    kind: 'secret',
    id: 's1',
    name: 'key',
    labels: {},
    data: 'QQ==',
    version: 1,
    createdAtMs: 0,
    updatedAtMs: 0,
  },
  [keys.secret('config', 'c1')]: {
    kind: 'config',
    id: 'c1',
    name: 'conf',
    labels: {},
    data: 'QQ==',
    version: 1,
    createdAtMs: 0,
    updatedAtMs: 0,
  },
  [keys.policy('deployer')]: { role: 'deployer', rules: { binds: ['/srv'], memoryBytes: 1, privileged: false }, changedAtMs: 0 },
  [keys.user('ada')]: {
    name: 'ada',
    role: 'deployer',
    deployments: ['abc'],
    certificates: [{ fingerprint: 'ab', toMs: 1 }],
    createdAtMs: 0,
  },
  [keys.deployment('abc')]: {
    name: 'abc',
    state: 'applied',
    operation: 'o1',
    startedAtMs: 0,
    digest: 'ab',
    request: { files: { 'compose.yml': 'services: {}' }, hasImages: true },
  },
  [keys.tag('web:latest')]: { tag: 'web:latest', id: 'sha256:1', sinceMs: 0 },
  [keys.volume('data')]: { name: 'data', driver: 'local', createdAtMs: 0 },
  [keys.record('x.abc')]: { name: 'x.abc', entries: [{ type: 'A', value: '10.0.0.9' }] },
};

export const nested = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);

const mapped = (record: StoredFields, value: (one: unknown) => unknown): StoredFields =>
  Object.fromEntries(Object.entries(record).map(([name, one]) => [name, value(one)]));

/** Each makes a good value bad as a whole: a record, or what an Engine, an agent or a label says. */
export const BADNESS: Readonly<Record<string, (good: StoredFields) => unknown>> = {
  null: () => null,
  'a text': () => 'x',
  'fields of null': (good) => mapped(good, () => null),
  'fields of a wrong type': (good) => mapped(good, (one) => (typeof one === 'string' ? 5 : 'x')),
  'lists of null for fields': (good) => mapped(good, () => [null]),
  'no fields': () => ({}),
  'its first field alone': (good) => Object.fromEntries(Object.entries(good).slice(0, 1)),
  'huge fields': (good) => mapped(good, (one) => (typeof one === 'string' ? 'x'.repeat(20_000) : 1e308)),
  'deep nesting': (good) => ({ ...good, extra: nested(1_500), labels: nested(1_500) }),
  'under the key __proto__': (good) => JSON.parse(`{"__proto__":${JSON.stringify(good)},"constructor":5}`) as unknown,
};

/** Records of the right types that say what cannot be. */
export const ODD_RECORDS: Readonly<Record<string, StoredFields>> = {
  [keys.subnet('nowhere')]: { cidr: 'nowhere', network: 'n1' },
  [keys.lease('n1', 'here')]: { ...GOOD_RECORDS[keys.lease('n1', '10.0.0.2')], ip: 'here' },
  [keys.network('n1')]: { ...literalNetwork('n1', 'abc_default'), vni: 0 },
  [keys.network('n2')]: { ...literalNetwork('n2', 'abc_other'), cidr: '10.0.0.0/99' },
  [keys.host('h1')]: { ...literalHost('h1').record, address: 'somewhere' },
  [keys.admission('h2')]: { name: 'h2', kind: 'removed', was: 'somewhere', atMs: 0 },
  [keys.container('abc_web_1')]: { ...literalRecord('abc_web_1', { number: -1 }) },
  [keys.container('abc_web_2')]: { ...literalRecord('abc_web_2', { addresses: { n1: '10.32.0' } }) },
  [keys.container('abc_web_3')]: { ...literalRecord('abc_web_3'), connected: { n1: { Aliases: [5] } } },
  [keys.container('abc_web_4')]: { ...literalRecord('abc_web_4'), request: { HostConfig: { Ulimits: [null] } } },
  [keys.service('abc', 'web')]: { ...GOOD_SERVICE, template: { ...GOOD_SERVICE.template, request: { Env: 'abc' } } },
  [keys.service('abc', 'db')]: { ...GOOD_SERVICE, service: 'db', update: { ...UPDATE_DEFAULTS, order: 'any' } },
  [keys.lostContainer('x')]: { id: 'x', name: 'web', host: 'h1', addresses: { n1: 'x' }, isReplaced: true, sinceMs: 0 },
  [keys.record('x.abc')]: { name: 'x.abc', entries: [{ type: 'MX', value: 'mail' }] },
  [keys.volume('later')]: { name: 'later', driver: 'local', createdAtMs: 9e15 },
};
