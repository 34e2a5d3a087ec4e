/** The classic builder, and a registry with a password: what is said on the way, and what comes of it. */
import type { Case, Said, Session } from '../session.ts';
import { tarOf } from '../tar.ts';

const TAR = { headers: { 'Content-Type': 'application/x-tar' } };

interface Line {
  readonly status?: string;
  readonly id?: string;
  readonly stream?: string;
  readonly error?: string;
  readonly aux?: unknown;
}

/** Lines without those that come as often as time allows, each once. */
function told({ status, body, json, headers }: Said): unknown {
  const lines = body.toString().split('\n').filter(Boolean);
  if (status !== 200) return { status, type: headers['content-type'], json };
  const said = lines.map((line) => JSON.parse(line) as Line & { progress?: string; progressDetail?: unknown });
  const firm = said.filter((line) => !/^(Pushing|Waiting|Downloading|Extracting|Retrying|Verifying)/.test(line.status ?? ''));
  const plain = firm.map((line) => JSON.stringify({ ...line, progress: undefined, progressDetail: undefined }));
  return { status, type: headers['content-type'], lines: [...new Set(plain)].map((line) => JSON.parse(line) as unknown) };
}

async function build(s: Session, label: string, files: Readonly<Record<string, string>>, query = ''): Promise<void> {
  const said = await s.quiet(`POST /build?${query}`, tarOf(files), { ...TAR, tolerant: true, timeoutMs: 60_000 });
  s.note(label, 'POST /build', told(said));
}

const authOf = (auth: unknown): string => Buffer.from(JSON.stringify(auth)).toString('base64url');

export const cases: readonly Case[] = [
  {
    name: 'images: the classic builder',
    async run(s) {
      const dockerfile =
        'FROM busybox\nARG who=world\nLABEL made=here\nRUN echo hello $who > /hello\nCOPY file /file\nCMD ["cat", "/hello"]\n';
      const files = { Dockerfile: dockerfile, file: 'content' };
      await build(s, 'build', files, 't=built/one:1&nocache=1');
      await build(s, 'from the cache', files, 't=built/one:1&t=built/one:2');
      await build(
        s,
        'with arguments',
        files,
        `t=built/one:3&rm=1&buildargs=${encodeURIComponent('{"who":"you"}')}&labels=${encodeURIComponent('{"l":"m"}')}`,
      );
      await build(s, 'quietly', files, 't=built/one:4&q=1');
      const { Config } = (await s.quiet('GET /images/built/one:3/json')).json as { Config: { Labels: unknown; Cmd: unknown } };
      s.note('what was built', 'POST /build', Config);
      const history = (await s.quiet('GET /images/built/one:1/history')).json as readonly {
        CreatedBy: string;
        Comment: string;
        Tags: unknown;
      }[];
      // its base may just have other names too
      s.note(
        'its history',
        'GET /images/{name*}/history',
        history.map(({ CreatedBy, Comment }) => [CreatedBy, Comment]),
      );
      await s.quiet('POST /containers/create?name=built', { Image: 'built/one:3' });
      await s.quiet('POST /containers/built/start');
      await s.quiet('POST /containers/built/wait');
      await s.ask('what it says', 'GET /containers/built/logs?stdout=1');
      await build(
        s,
        'other Dockerfile, target',
        { 'sub/D': 'FROM busybox AS a\nRUN true\nFROM a AS b\nRUN false\n' },
        'dockerfile=sub/D&target=a&t=built/two:1',
      );
      await build(s, 'a step fails', { Dockerfile: 'FROM busybox\nRUN exit 7\n' }, 'rm=1&forcerm=1');
      await build(s, 'no Dockerfile', { x: 'y' });
      await build(s, 'an empty Dockerfile', { Dockerfile: '' });
      await build(s, 'unknown instruction', { Dockerfile: 'FROM busybox\nWHAT x\n' });
      await build(s, 'no such file', { Dockerfile: 'FROM busybox\nCOPY nothing /\n' });
      await build(s, 'bad tag', files, 't=UPPER');
      await build(s, 'bad arguments', files, 'buildargs=x');
      await build(s, 'bad labels', files, 'labels=x');
      await build(s, 'bad memory', files, 'memory=x');
      await build(s, 'bad network', { Dockerfile: 'FROM busybox\nRUN true\n' }, 'networkmode=nowhere&nocache=1');
      await s.ask('no tar', 'POST /build?t=x', 'what is this', TAR);
      await s.ask('no body', 'POST /build?t=x');
      await s.ask('other content type', 'POST /build?t=x', '{}', { headers: { 'Content-Type': 'application/json' } });
      await s.ask('bad remote', 'POST /build?remote=nothing%3A%2F%2Fx');
      await s.ask('cancel nothing', 'POST /build/cancel');
      await s.ask('cancel unknown', 'POST /build/cancel?id=x');
      await s.quiet('DELETE /containers/built?force=1');
      for (const name of ['one:1', 'one:2', 'one:3', 'one:4', 'two:1']) await s.quiet(`DELETE /images/built/${name}`);
    },
  },
  {
    name: 'images: a registry with a password',
    async run(s) {
      const { registry } = s;
      const right = { headers: { 'X-Registry-Auth': registry.auth } };
      const wrong = { headers: { 'X-Registry-Auth': authOf({ username: registry.user, password: 'wrong' }) } };
      const bad = { headers: { 'X-Registry-Auth': 'what is this' } };
      const name = `${registry.name}/team/app`;
      const push = async (label: string, path: string, ask = right): Promise<void> => {
        const said = await s.quiet(`POST /images/${path}`, undefined, { ...ask, tolerant: true });
        s.note(label, 'POST /images/{name*}/push', told(said));
      };
      const pull = async (label: string, query: string, ask: object = right): Promise<void> => {
        const said = await s.quiet(`POST /images/create?${query}`, undefined, { ...ask, tolerant: true });
        s.note(label, 'POST /images/create', told(said));
      };
      const credentials = { username: registry.user, password: registry.password, serveraddress: registry.name };
      await s.ask('log in', 'POST /auth', credentials);
      await s.ask('log in wrongly', 'POST /auth', { ...credentials, password: 'wrong' });
      await s.ask('log in nowhere', 'POST /auth', { ...credentials, serveraddress: '127.0.0.1:1' });
      await s.quiet(`POST /images/busybox/tag?repo=${name}&tag=1`);
      await s.quiet(`POST /images/busybox/tag?repo=${name}&tag=2`);
      await push('push', `${name}/push?tag=1`);
      await push('push again', `${name}/push?tag=1`);
      await push('push all tags', `${name}/push`);
      await push('push with tag in the name', `${name}:1/push`);
      await push('push without credentials', `${name}/push?tag=1`, { headers: {} } as never);
      await push('push with wrong ones', `${name}/push?tag=1`, wrong);
      await push('push with bad ones', `${name}/push?tag=1`, bad);
      await push('push what is not there', `${name}/push?tag=nothing`);
      await push('push unknown', `${registry.name}/nobody/push?tag=1`);
      await push('push a bad name', 'UPPER/push?tag=1');
      await s.ask('what the registry has', `GET /distribution/${name}:1/json`, undefined, right);
      await s.ask('and has not', `GET /distribution/${name}:nothing/json`, undefined, right);
      await s.ask('and tells to nobody', `GET /distribution/${name}:1/json`);
      await s.ask('distribution of a bad name', 'GET /distribution/UPPER/json', undefined, right);
      await s.ask('inspect shows the digest', `GET /images/${name}:1/json`);
      for (const tag of ['1', '2']) await s.ask(`remove ${tag}`, `DELETE /images/${name}:${tag}`);
      await pull('pull', `fromImage=${name}&tag=1`);
      await pull('pull again', `fromImage=${name}&tag=1`);
      await pull('pull, tag in the name', `fromImage=${name}:2`);
      await s.ask('pulled', `GET /images/${name}:1/json`);
      const { RepoDigests } = (await s.quiet(`GET /images/${name}:1/json`)).json as { RepoDigests: string[] };
      const digest = RepoDigests.find((one) => one.startsWith(name)) ?? '';
      await s.ask('inspect by digest', `GET /images/${digest}/json`);
      await pull('pull by digest', `fromImage=${name}&tag=${digest.split('@')[1]}`);
      await pull('pull without credentials', `fromImage=${name}&tag=1`, {});
      await pull('pull with wrong ones', `fromImage=${name}&tag=1`, wrong);
      await pull('pull with bad ones', `fromImage=${name}&tag=1`, bad);
      await pull('pull what is not there', `fromImage=${name}&tag=nothing`);
      await pull('pull unknown', `fromImage=${registry.name}/nobody&tag=1`);
      await pull('pull from nowhere', 'fromImage=127.0.0.1:1/nobody&tag=1');
      await pull('pull for another platform', `fromImage=${name}&tag=1&platform=linux/s390x`);
      const made = await s.ask('create from it', 'POST /containers/create?name=pulled', { Image: digest, Cmd: ['true'] });
      s.note('created', 'POST /containers/create', made.status);
      await s.ask('its image', 'GET /containers/pulled/json');
      await s.ask('remove what is used', `DELETE /images/${name}:1`);
      await s.quiet('DELETE /containers/pulled?force=1', undefined, { tolerant: true });
      for (const tag of ['1', '2']) await s.quiet(`DELETE /images/${name}:${tag}`, undefined, { tolerant: true });
      await s.quiet(`DELETE /images/${digest}`, undefined, { tolerant: true });
    },
  },
];
