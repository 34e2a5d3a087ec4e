/** What Docker's routes read from the query, and what a client may write there by mistake. Pure. */

type Kind = 'number' | 'bool' | 'filters' | 'time' | 'name' | 'json';

/** With a container `web`, an image `busybox`, a network `net`, a volume `vol`, a service, a secret and a config `kept`. */
const QUERIES: readonly (readonly [line: string, parameters: Readonly<Record<string, Kind>>])[] = [
  ['GET /containers/json', { limit: 'number', all: 'bool', size: 'bool', filters: 'filters' }],
  ['GET /containers/web/json', { size: 'bool' }],
  ['GET /containers/web/top', { ps_args: 'name' }],
  ['GET /containers/web/logs?stdout=1', { tail: 'number', since: 'time', until: 'time', timestamps: 'bool', details: 'bool' }],
  ['GET /containers/web/stats?stream=0&one-shot=1', { stream: 'bool' }],
  ['GET /containers/web/archive', { path: 'name' }],
  ['HEAD /containers/web/archive', { path: 'name' }],
  ['POST /containers/web/resize?h=1&w=1', { h: 'number', w: 'number' }],
  ['POST /containers/web/start', { detachKeys: 'name', checkpoint: 'name' }],
  ['POST /containers/nobody/stop', { t: 'number' }],
  ['POST /containers/nobody/restart', { t: 'number' }],
  ['POST /containers/nobody/kill', { signal: 'name' }],
  ['POST /containers/off/wait', { condition: 'name' }],
  ['POST /containers/web/rename', { name: 'name' }],
  ['DELETE /containers/nobody', { v: 'bool', force: 'bool', link: 'bool' }],
  ['POST /containers/prune', { filters: 'filters' }],
  ['GET /images/json', { all: 'bool', digests: 'bool', filters: 'filters' }],
  ['GET /images/get', { names: 'name' }],
  ['POST /images/busybox/tag', { repo: 'name', tag: 'name' }],
  ['POST /images/create', { fromImage: 'name', platform: 'name' }],
  ['DELETE /images/nobody', { force: 'bool', noprune: 'bool' }],
  ['POST /images/prune', { filters: 'filters' }],
  ['POST /build/prune', { all: 'bool', 'keep-storage': 'number', filters: 'filters' }],
  ['GET /networks', { filters: 'filters' }],
  ['GET /networks/net', { verbose: 'bool', scope: 'name' }],
  ['POST /networks/prune', { filters: 'filters' }],
  ['GET /volumes', { filters: 'filters' }],
  ['DELETE /volumes/nobody', { force: 'bool' }],
  ['POST /volumes/prune', { filters: 'filters' }],
  ['GET /events?since=1&until=2', { filters: 'filters' }],
  ['GET /events?until=2', { since: 'time' }],
  ['GET /events?since=1', { until: 'time' }],
  ['GET /system/df', { type: 'name' }],
  ['GET /services', { filters: 'filters', status: 'bool' }],
  ['GET /services/kept', { insertDefaults: 'bool' }],
  ['GET /services/kept/logs?stdout=1', { tail: 'number', since: 'time', timestamps: 'bool' }],
  ['GET /tasks', { filters: 'filters' }],
  ['GET /nodes', { filters: 'filters' }],
  ['GET /secrets', { filters: 'filters' }],
  ['GET /configs', { filters: 'filters' }],
  ['POST /swarm/leave', { force: 'name' }],
];

const TEXTS: Readonly<Record<Kind, readonly string[]>> = {
  number: ['', 'x', '-1', '1.5', '0x10', ' 1', '1e3', '99999999999999999999', '\u0000', '٣'],
  bool: ['', 'maybe', '2', '-1', '\u0000'],
  time: ['', 'yesterday', '-1', '1.9999999999', '99999999999999999999', '1e3', '2020-13-01', '2020-01-01T00:00:00Z', '1h', '-1h', '\u0000'],
  name: ['', 'x y', '../..', '%', '__proto__', '\u0000', '\u{1F600}', 'a/b:c@d', '-', 'x'.repeat(10_000)],
  filters: [
    'x',
    '{',
    '7',
    '"x"',
    'null',
    '[]',
    '["name"]',
    '{}',
    '{"name":7}',
    '{"name":null}',
    '{"name":[7]}',
    '{"name":[null]}',
    '{"name":{"a":1}}',
    '{"name":["["]}',
    '{"name":["(?=x)"]}',
    '{"label":{"a":true},"name":["b"]}',
    '{"label":["a","a=b","=","__proto__"]}',
    '{"nothing":["x"]}',
    '{"__proto__":["x"]}',
    '{"id":[]}',
    '{"id":["\\u0000"]}',
    '{"until":["x"]}',
    '{"until":["1","2"]}',
    '{"until":["-1"]}',
    '{"before":["nobody"]}',
    '{"since":["nobody"]}',
    '{"status":["x"]}',
    '{"exited":["x"]}',
    '{"dangling":["x"]}',
    '{"type":["x"]}',
    '{"publish":["x"]}',
    '{"reference":["["]}',
    '{"service":["nobody"]}',
    '{"desired-state":["x"]}',
    '{"name":["a"]} x',
    '['.repeat(50_000),
    `{"name":[${JSON.stringify('x'.repeat(10_000))}]}`,
  ],
  json: ['', 'x', '{', '[]', '7', 'null', '{"a":7}'],
};

/** As they stand in the address: none can be read. */
const BROKEN = ['%zz', '%', 'a=%2', 'a;b=1'];

export interface BadQuery {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** What a difference is told by. */
  readonly label: string;
  readonly isBroken: boolean;
}

export const BAD_QUERIES: readonly BadQuery[] = QUERIES.flatMap(([line, parameters]) => {
  const [method = '', path = ''] = line.split(' ');
  const sign = path.includes('?') ? '&' : '?';
  const wrong = Object.entries(parameters).flatMap(([name, kind]) =>
    TEXTS[kind].map((text) => ({
      method,
      path: `${path}${sign}${name}=${encodeURIComponent(text)}`,
      label: `${line} ${name}=${text.length > 60 ? `${text.slice(0, 20)}… (${text.length})` : text}`,
      isBroken: false,
    })),
  );
  return [...wrong, ...BROKEN.map((text) => ({ method, path: `${path}${sign}${text}`, label: `${line} ${text}`, isBroken: true }))];
});

/** Headers that carry JSON in base64, on routes that read them. */
export const BAD_HEADERS: readonly Readonly<Record<string, string>>[] = ['X-Registry-Auth', 'X-Registry-Config'].flatMap((name) =>
  [
    '',
    '%',
    'x',
    '!!!!',
    'e30',
    'e30=',
    Buffer.from('{"a":').toString('base64'),
    Buffer.from('[]').toString('base64'),
    Buffer.from('{"username":7}').toString('base64'),
    'A'.repeat(100_000),
  ].map((value) => ({ [name]: value })),
);

/** Bodies that are no JSON object, whatever the route. */
export const BAD_BODIES: readonly (readonly [label: string, body: string | Buffer, type: string])[] = [
  ['nothing', '', 'application/json'],
  ['half an object', '{', 'application/json'],
  ['half a field', '{"a":', 'application/json'],
  ['half a string', '"x', 'application/json'],
  ['a word', 'x', 'application/json'],
  ['a number', '5', 'application/json'],
  ['a string', '"x"', 'application/json'],
  ['a bool', 'true', 'application/json'],
  ['a list', '[]', 'application/json'],
  ['what is nested deep', '['.repeat(50_000), 'application/json'],
  ['objects nested deep', '{"a":'.repeat(50_000), 'application/json'],
  ['100 kB', 'x'.repeat(100_000), 'application/json'],
  ['100 kB of spaces', ' '.repeat(100_000), 'application/json'],
  ['what is no UTF-8', Buffer.from([0xff, 0xfe, 0x00]), 'application/json'],
  ['a byte order mark', Buffer.from('\uFEFF{}'), 'application/json'],
  ['a comma too many', '{"a":1,}', 'application/json'],
  ['another type', '{', 'text/plain'],
  ['an unknown charset', '{', 'application/json; charset=klingon'],
  ['a charset without a name', '{', 'application/json;charset'],
  ['an unreadable type', '{', ';;'],
];
