/** One run of the script against one endpoint: asks, and remembers what was said, normalised. */
import { matchRoute } from '../../../src/docker-api/routes.ts';
import type { Registry } from '../../support/servers/registry.ts';
import { promisedMs } from '../../support/promised.ts';
import type { Step } from './compare.ts';
import { normalise } from './normalise.ts';
import { type Answer, type Ask, type Endpoint, frames, hijack, type Hijacked, type Live, open, request } from './wire.ts';
import { splitVersion } from '../../../src/text/api-version.ts';

/** One short story told to both sides. Names that it uses are its own; what it makes is swept away after it. */
export interface Case {
  readonly name: string;
  /** Looks at whole lists, at all events, or prunes: nothing else may happen meanwhile. Others are told several at a time. */
  readonly isAlone?: boolean;
  run(session: Session): Promise<void>;
}

export interface Said extends Answer {
  /** The body as JSON; undefined: it is none. */
  readonly json: unknown;
}

export interface Session {
  readonly endpoint: Endpoint;
  /** One with a password that this side's hosts reach. */
  readonly registry: Pick<Registry, 'name' | 'user' | 'password' | 'auth'>;
  /** `1.41`: what both sides speak, and what paths without a version get. */
  readonly version: string;
  /** Asks and records: status, headers, body. `line` is `GET /containers/json?all=1`; the version is put in front unless it has one. */
  ask(label: string, line: string, body?: unknown, ask?: Ask): Promise<Said>;
  /** Status, headers and body, normalised later, of a path that gets no version. */
  unversioned(method: string, path: string): Promise<unknown>;
  /** Asks without recording: for setting the scene. Throws for 400 and above unless it is `tolerant`. */
  quiet(line: string, body?: unknown, ask?: Ask & { tolerant?: boolean }): Promise<Said>;
  /** Creates (busybox, `sleep 600` unless told otherwise) and starts; the id is known by the name from then on. */
  up(name: string, config?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Creates only. */
  create(name: string, config?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Opens an answer that goes on: recorded is its head at once. */
  live(label: string, line: string, body?: unknown, ask?: Ask): Promise<Live>;
  /** A raw request on its own connection, `{v}` in the text being the version's prefix: recorded is the status line and head. */
  raw(label: string, text: string): Promise<Hijacked>;
  /** A text as it is compared: by the names that the script gives to ids. */
  called(text: string): string;
  /** Records any value under this route. */
  note(label: string, route: string, value: unknown): void;
  /** This id is called so from now on. */
  know(name: string, id: string): void;
  until(what: string, check: () => Promise<boolean>, timeoutMs?: number): Promise<void>;
  /** A path with version. */
  path(line: string): string;
}

/** These tell of one connection, or of the moment. */
const UNTOLD = new Set(['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding']);
/** And this of a machine that is too busy. What an answer lacks then is seen in its body. */
const BUSY = /^199 arpanet "host h\d: its Engine does not answer"$/;

export interface Side {
  readonly endpoint: Endpoint;
  readonly version: string;
  readonly registry: Session['registry'];
}

export function createSession({ endpoint, version, registry }: Side, record: (step: Step) => void, caseName: string): Session {
  const known = new Map<string, string>([[registry.name, 'registry']]);
  const prefixed = (path: string): string => (/^\/v\d|^[^/]|^\/\.\./.test(path) ? path : `/v${version}${path}`);
  const routeOf = (method: string, path: string): string => {
    const found = safely(() => matchRoute(method, splitVersion(path.split('?', 1)[0] ?? '').path));
    return found === undefined ? `${method} ?` : `${method} ${found.route.path}`;
  };
  const split = (line: string): readonly [string, string] => {
    const cut = line.indexOf(' ');
    return [line.slice(0, cut), prefixed(line.slice(cut + 1))];
  };
  const headersOf = (headers: Answer['headers']): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(headers).filter(([name, value]) => !UNTOLD.has(name) && !(name === 'warning' && BUSY.test(String(value)))),
    );
  const note = (label: string, route: string, value: unknown): void =>
    record({ case: caseName, label, route, said: normalise(value, known) });

  const session: Session = {
    endpoint,
    version,
    registry,
    note,
    called: (text) => String(normalise(text, known)),
    know: (name, id) => void known.set(id, name),
    path: prefixed,
    async ask(label, line, body, ask = {}) {
      const [method, path] = split(line);
      try {
        const answer = await request(endpoint, method, path, { ...ask, ...(body === undefined ? {} : { body }) });
        const said = { ...answer, json: jsonOf(answer.body) };
        learn(said, path);
        const { status, isWhole } = answer;
        note(label, routeOf(method, path), {
          status,
          headers: headersOf(answer.headers),
          body: bodyOf(answer),
          ...(isWhole ? {} : { isWhole }),
        });
        return said;
      } catch (error) {
        note(label, routeOf(method, path), { failed: error instanceof Error ? error.message : String(error) });
        return { status: 0, headers: {}, body: Buffer.alloc(0), isWhole: false, json: undefined };
      }
    },
    async unversioned(method, path) {
      const answer = await request(endpoint, method, path);
      return { status: answer.status, headers: headersOf(answer.headers), body: bodyOf(answer) };
    },
    async quiet(line, body, ask = {}) {
      const [method, path] = split(line);
      const answer = await request(endpoint, method, path, { ...ask, ...(body === undefined ? {} : { body }) });
      if (answer.status >= 400 && ask.tolerant !== true) throw new Error(`${line}: ${answer.status} ${answer.body.toString()}`);
      const said = { ...answer, json: jsonOf(answer.body) };
      learn(said, path);
      return said;
    },
    async create(name, config = {}) {
      const created = await session.quiet(`POST /containers/create?name=${name}`, { Image: 'busybox', Cmd: ['sleep', '600'], ...config });
      return (created.json as { Id: string }).Id;
    },
    async up(name, config) {
      const id = await session.create(name, config);
      await session.quiet(`POST /containers/${id}/start`);
      return id;
    },
    async live(label, line, body, ask = {}) {
      const [method, path] = split(line);
      const live = await open(endpoint, method, path, { ...ask, ...(body === undefined ? {} : { body }) });
      note(label, routeOf(method, path), { status: live.status, headers: headersOf(live.headers) });
      return live;
    },
    async raw(label, text) {
      const bytes = text.replaceAll('{v}', `/v${version}`);
      const [method = '', path = ''] = bytes.split(' ');
      const got = await hijack(endpoint, bytes);
      note(label, routeOf(method, path), { status: got.statusLine, headers: headersOf(got.headers) });
      return got;
    },
    async until(what, check, timeoutMs = 20_000) {
      const startMs = Date.now();
      while (!(await check())) {
        if (Date.now() - startMs > promisedMs(timeoutMs)) throw new Error(`${caseName}: waited in vain for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };

  /** What a create made is called by the name that the script gave it. */
  function learn(said: Said, path: string): void {
    const { Id, Name } = (said.json ?? {}) as { Id?: unknown; Name?: unknown };
    const name = new URL(path, 'http://docker').searchParams.get('name') ?? (typeof Name === 'string' ? Name : undefined);
    if (said.status === 201 && typeof Id === 'string' && /^[0-9a-f]{64}$/.test(Id) && name) known.set(Id, name.replace(/^\//, ''));
  }
  return session;
}

function bodyOf(answer: Answer): unknown {
  if (answer.body.length === 0) return '';
  const json = jsonOf(answer.body);
  if (json !== undefined) return json;
  const type = answer.headers['content-type'] ?? '';
  if (/tar|octet-stream|multiplexed|raw-stream|^$/.test(type) || answer.body.includes(0)) {
    return frames(answer.body) ?? (answer.body.includes(0) ? `<${answer.body.length > 0 ? 'bytes' : 'nothing'}>` : answer.body.toString());
  }
  const lines = answer.body.toString().split('\n').filter(Boolean);
  const parsed = lines.map((line) => jsonOf(Buffer.from(line)));
  return parsed.includes(undefined) ? answer.body.toString() : { lines: parsed };
}

function jsonOf(body: Buffer): unknown {
  return safely(() => JSON.parse(body.toString()) as unknown);
}

function safely<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
