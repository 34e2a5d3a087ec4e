/** Every route of Docker's API that reads a body of JSON, with a request that it takes, for tests that put something wrong into it. Pure. */

/** How a test asks the endpoint that it looks at. */
export interface Asker {
  readonly ask: (method: string, path: string, body?: unknown) => Promise<{ readonly status: number; readonly text: string }>;
}

export interface BadBody {
  /** As in the route table. */
  readonly route: string;
  /** Of docker-json. */
  readonly struct: string;
  /** Default: the route's own path. */
  readonly path?: (asker: Asker) => string | Promise<string>;
  /** Instead of it where only what is refused is looked at: nothing is made under this address. */
  readonly idlePath?: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Removes what a request made. */
  readonly undo?: (asker: Asker, answer: Readonly<Record<string, unknown>>) => Promise<unknown>;
  /** Whatever was answered. */
  readonly settle?: (asker: Asker) => Promise<unknown>;
  /** All of it goes to an Engine as it is: nothing is kept here. */
  readonly isPassedOn?: true;
  /** What the right body is answered with, where that is no success. */
  readonly refusedWith?: number;
}

const gone = ({ ask }: Asker, path: string) => ask('DELETE', path);

const versionOf = async ({ ask }: Asker, path: string): Promise<number> =>
  (JSON.parse((await ask('GET', path)).text) as { readonly Version: { readonly Index: number } }).Version.Index;

/** Without instances: what is looked at is the request. */
const SERVICE = { Name: 's', TaskTemplate: { ContainerSpec: { Image: 'busybox' } }, Mode: { Replicated: { Replicas: 0 } } };

/** What the table's routes are about: made before, in this order. */
export const SCENE: readonly (readonly [path: string, body: unknown])[] = [
  ['/containers/create?name=web', { Image: 'busybox', Cmd: ['sleep', '600'] }],
  ['/containers/create?name=off', { Image: 'busybox', Cmd: ['sleep', '600'] }],
  ['/networks/create', { Name: 'net' }],
  ['/volumes/create', { Name: 'vol' }],
  ['/services/create', { ...SERVICE, Name: 'kept' }],
  ['/secrets/create', { Name: 'kept', Data: 'YQ==' }],
  ['/configs/create', { Name: 'kept', Data: 'YQ==' }],
];

const kept = (kind: 'secrets' | 'configs', struct: string): readonly BadBody[] => [
  { route: `POST /${kind}/create`, struct, body: { Name: 'made', Data: 'YQ==' }, undo: (to, { ID }) => gone(to, `/${kind}/${String(ID)}`) },
  {
    route: `POST /${kind}/{id}/update`,
    struct,
    path: async (to) => `/${kind}/kept/update?version=${await versionOf(to, `/${kind}/kept`)}`,
    body: { Name: 'kept', Data: 'YQ==' },
  },
];

let made = 0;

export const BAD_FIELD_BODIES: readonly BadBody[] = [
  {
    route: 'POST /containers/create',
    struct: 'runconfig.ContainerConfigWrapper@1.41',
    path: () => `/containers/create?name=n${(made += 1)}`,
    // no container can be called so
    idlePath: '/containers/create?name=-',
    body: { Image: 'busybox' },
    undo: (to, { Id }) => gone(to, `/containers/${String(Id)}?force=1`),
  },
  {
    route: 'POST /containers/{id}/update',
    struct: 'container.UpdateConfig',
    path: () => '/containers/off/update',
    body: {},
    isPassedOn: true,
  },
  {
    route: 'POST /containers/{id}/exec',
    struct: 'types.ExecConfig',
    path: () => '/containers/web/exec',
    body: { Cmd: ['true'] },
    isPassedOn: true,
  },
  {
    route: 'POST /exec/{id}/start',
    struct: 'types.ExecStartCheck',
    // each is started once
    path: async ({ ask }) => {
      const { Id } = jsonOf((await ask('POST', '/containers/web/exec', '{"Cmd":["true"]}')).text);
      return `/exec/${String(Id)}/start`;
    },
    idlePath: '/exec/nobody/start',
    body: { Detach: true },
    isPassedOn: true,
  },
  {
    route: 'POST /auth',
    struct: 'types.AuthConfig',
    // nobody listens there
    body: { username: 'a', password: 'b', serveraddress: '127.0.0.1:1' },
    isPassedOn: true,
  },
  {
    // by clients that send no header of credentials
    route: 'POST /images/{name*}/push',
    struct: 'types.AuthConfig',
    path: () => '/images/nobody/push',
    body: {},
    isPassedOn: true,
  },
  {
    route: 'POST /commit',
    struct: 'container.Config',
    path: () => '/commit?container=web',
    idlePath: '/commit?container=nobody',
    body: {},
    isPassedOn: true,
  },
  {
    route: 'POST /networks/create',
    struct: 'types.NetworkCreateRequest',
    body: { Name: 'made' },
    undo: (to, { Id }) => gone(to, `/networks/${String(Id)}`),
  },
  {
    route: 'POST /networks/{id}/connect',
    struct: 'types.NetworkConnect',
    path: () => '/networks/net/connect',
    body: { Container: 'off' },
    undo: ({ ask }) => ask('POST', '/networks/net/disconnect', '{"Container":"off","Force":true}'),
  },
  {
    route: 'POST /networks/{id}/disconnect',
    struct: 'types.NetworkDisconnect',
    path: async ({ ask }) => {
      await ask('POST', '/networks/net/connect', '{"Container":"off"}');
      return '/networks/net/disconnect';
    },
    idlePath: '/networks/net/disconnect',
    body: { Container: 'off' },
  },
  {
    route: 'POST /volumes/create',
    struct: 'volume.VolumeCreateBody',
    body: { Name: 'made' },
    undo: (to, { Name }) => gone(to, `/volumes/${String(Name)}`),
  },
  { route: 'POST /services/create', struct: 'swarm.ServiceSpec', body: SERVICE, undo: (to, { ID }) => gone(to, `/services/${String(ID)}`) },
  {
    route: 'POST /services/{id}/update',
    struct: 'swarm.ServiceSpec',
    path: async (to) => `/services/kept/update?version=${await versionOf(to, '/services/kept')}`,
    body: { ...SERVICE, Name: 'kept' },
  },
  ...kept('secrets', 'swarm.SecretSpec'),
  ...kept('configs', 'swarm.ConfigSpec'),
  {
    route: 'POST /nodes/{id}/update',
    struct: 'swarm.NodeSpec',
    path: async (to) => {
      const [node] = JSON.parse((await to.ask('GET', '/nodes')).text) as readonly {
        readonly ID: string;
        readonly Version: { readonly Index: number };
      }[];
      return `/nodes/${node?.ID ?? ''}/update?version=${node?.Version.Index ?? 0}`;
    },
    body: { Availability: 'active', Role: 'worker' },
  },
  {
    route: 'POST /swarm/init',
    struct: 'swarm.InitRequest',
    path: async ({ ask }) => {
      await ask('POST', '/swarm/leave?force=1');
      return '/swarm/init';
    },
    idlePath: '/swarm/init',
    body: {},
    settle: ({ ask }) => ask('POST', '/swarm/init', '{}'),
  },
  {
    route: 'POST /swarm/update',
    struct: 'swarm.Spec',
    path: async (to) => `/swarm/update?version=${await versionOf(to, '/swarm')}`,
    body: {},
  },
  { route: 'POST /swarm/join', struct: 'swarm.JoinRequest', body: { RemoteAddrs: [] }, refusedWith: 503 },
  { route: 'POST /swarm/unlock', struct: 'swarm.UnlockRequest', body: {}, refusedWith: 409 },
];

/** All others that take a body: they read no JSON of it. Undefined: the connection changes hands. */
export const BODILESS: ReadonlyMap<string, string | undefined> = new Map([
  ['POST /containers/{id}/attach', '/containers/nobody/attach'],
  ['POST /containers/{id}/wait', '/containers/nobody/wait'],
  // an Engine refuses one that is longer than `{}`
  ['POST /containers/{id}/start', '/containers/web/start'],
  ['POST /containers/{id}/stop', '/containers/nobody/stop'],
  ['POST /containers/{id}/restart', '/containers/nobody/restart'],
  ['POST /containers/{id}/kill', '/containers/nobody/kill'],
  ['POST /containers/{id}/pause', '/containers/nobody/pause'],
  ['POST /containers/{id}/unpause', '/containers/nobody/unpause'],
  ['POST /containers/{id}/resize', '/containers/nobody/resize?h=1&w=1'],
  ['POST /containers/{id}/copy', '/containers/nobody/copy'],
  ['POST /containers/{id}/rename', '/containers/nobody/rename?name=other'],
  ['PUT /containers/{id}/archive', '/containers/nobody/archive?path=/'],
  ['POST /exec/{id}/resize', '/exec/nobody/resize?h=1&w=1'],
  // a tar
  ['POST /images/create', '/images/create?fromSrc=-&repo=made'],
  ['POST /images/load', '/images/load'],
  ['POST /build', '/build'],
  ['POST /images/{name*}/tag', '/images/nobody/tag?repo=other'],
  ['POST /build/cancel', '/build/cancel?id=nobody'],
  ['POST /session', undefined],
  ['POST /grpc', undefined],
  ['POST /swarm/leave', '/swarm/leave'],
]);

/** Undefined: as it was answered there is nothing to know of it. */
export const jsonOf = (text: string): Readonly<Record<string, unknown>> =>
  text.startsWith('{') ? (JSON.parse(text) as Readonly<Record<string, unknown>>) : {};
