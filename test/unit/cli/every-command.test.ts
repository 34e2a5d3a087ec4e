/** Commands as a person types them, in one process, against a scheduler that answers each route with the example of the reference. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Terminal } from '../../../src/cli/command.ts';
import { arpanetProgram } from '../../../src/cli/program.ts';
import { openApi } from '../../../src/operator-api/openapi/document.ts';

interface Media {
  readonly example: unknown;
}
interface Operation {
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, Media>> }>>;
}
const { paths } = openApi('0.1.0') as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};
/** A path without parameters goes before one with. */
const routes = Object.entries(paths)
  .toSorted(([a], [b]) => a.split('{').length - b.split('{').length)
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => ({
      method: method.toUpperCase(),
      pattern: new RegExp(`^/arpanet/v1${path.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      path,
      content: responses['200']?.content ?? {},
    })),
  );

/** Reports, and what `--json` prints of them: the example of this route, or of these. */
const REPORTS: Readonly<Record<string, string>> = {
  'hosts inspect h1': '/hosts/{host}',
  'explain abc_web_1': '/explain/{container}',
  'explain --timing abc_web_1': '/explain/{container}',
  'config get': '/config',
  'doctor abc_web_1 pricing:80': '/doctor',
  audit: '/audit',
  'boot ls': '/boot',
  'ca show': '/cas',
  'key show': '/keys',
  'policy get': '/policy',
  'canary abc/web': '/services/canary',
  'rebalance --plan': '/rebalance',
  status: '/status',
  token: '/token',
};
const LISTS: Readonly<Record<string, string>> = {
  ls: '/services',
  ps: '/services',
  hosts: '/hosts',
  'hosts ls': '/hosts',
  operations: '/operations',
  'ip ls': '/networks',
  'dns ls': '',
  'user ls': '/users',
};
const CHANGES: readonly string[] = [
  'scale abc/web=3',
  'stop abc/web',
  'start abc/web',
  'restart abc/web',
  'rm abc/web',
  'update abc/web --image web:2',
  'rollback abc/web',
  'promote abc/web',
  'abort abc/web',
  'drain h1',
  'activate h1',
  'hosts update h1 --label-add rack=r1',
  'hosts rm h4 --force',
  'hosts reset h4',
  'hosts fillup h2',
  'hosts clean h1 --yes',
  'hosts revoke h1',
  'hosts readmit h1',
  'rebalance',
  'release abc',
  'config set strategy binpack',
  'config unset strategy',
  'dns add outside.abc A 192.0.2.7',
  'dns rm outside.abc',
  'user rm ada',
  'token rotate',
  'token --single-use --ttl 1h',
  'audit --fix',
  'ca rotate',
  'key rotate',
  'upgrade --confirm',
  'operations 0c3f5a52-6f9c-4e9b-9a53-0d1f1c1f7d11',
];

describe('a command of arpanet', () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    const [path = ''] = url.split('?');
    asked.push(`${method} ${path}`);
    const found = routes.find((one) => one.method === method && one.pattern.test(path));
    if (found === undefined) {
      response.writeHead(404).end(JSON.stringify({ message: `no such route: ${method} ${path}` }));
      return;
    }
    const isFollowed = url.includes('follow=true') && found.content['application/x-ndjson'] !== undefined;
    const [type, media] = (isFollowed ? Object.entries(found.content).toReversed() : Object.entries(found.content))[0] ?? [];
    const lines = type === 'application/x-ndjson' ? '\n' : '';
    const text = type?.startsWith('text/') === true ? String(media?.example) : JSON.stringify(media?.example);
    response.writeHead(200, { 'Content-Type': type }).end(`${text}${lines}`);
  });
  let endpoint = '';
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    endpoint = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close().closeAllConnections());

  const terminalOf = (more: Partial<Terminal> = {}): Terminal => ({
    env: { ARPANET_ENDPOINT: endpoint },
    out: () => undefined,
    paced: async () => true,
    say: () => undefined,
    columns: undefined,
    isTerminal: more.columns !== undefined,
    ...more,
  });

  async function typed(line: string, columns?: number): Promise<{ readonly out: string; readonly said: string }> {
    let [out, said] = ['', ''];
    const terminal = terminalOf({
      out: (text) => void (out += text),
      paced: async (text) => ((out += text), true),
      say: (text) => void (said += `${text}\n`),
      columns,
    });
    const before = process.exitCode;
    await arpanetProgram(terminal).parseAsync(line.split(' '), { from: 'user' });
    process.exitCode = before;
    return { out, said };
  }
  const exampleOf = (path: string): unknown => paths[path]?.['get']?.responses['200']?.content['application/json']?.example;

  it('shows each report as text and, with --json, what the cluster has answered', async () => {
    for (const [line, path] of Object.entries(REPORTS)) {
      assert.notEqual((await typed(line)).out.trim(), '', line);
      assert.deepEqual(JSON.parse((await typed(`${line} --json`)).out), exampleOf(path), line);
    }
  });

  it('shows each list as a table that fits the terminal, by its keys, by a template, and as JSON', async () => {
    for (const [line, path] of Object.entries(LISTS)) {
      const { out } = await typed(line, 80);
      const lines = out.trimEnd().split('\n');
      assert.match(lines[0] ?? '', /^[A-Z]+ /, line);
      assert.ok(lines.length > 1, `${line} has a row`);
      assert.deepEqual(
        lines.filter((one) => one.length > 80),
        [],
        line,
      );
      for (const word of (await typed(`${line} -q`)).out.trimEnd().split('\n')) assert.match(word, /^\S+$/, `${line} -q`);
      const rows = (await typed(`${line} --format json`)).out.trimEnd().split('\n');
      for (const row of rows) assert.equal(typeof JSON.parse(row), 'object', `${line} --format json`);
      if (path !== '') assert.deepEqual(JSON.parse((await typed(`${line} --json`)).out), exampleOf(path), line);
    }
  });

  it('asks for each change that it is for, by a route of the reference', async () => {
    for (const line of CHANGES) {
      asked.length = 0;
      const { out } = await typed(`${line} --json`);
      assert.ok(asked.length > 0, line);
      if (out !== '') assert.equal(typeof JSON.parse(out), 'object', line);
    }
  });

  it('is one of these, or has a test of its own', () => {
    const own =
      /^(?:up|scheduler|agent|deploy|logs|events|top|audit-log|upgrade|context|completion|man|backup|restore|recover|ui|boot(?: serve| build)?|hosts (?:add|drain|activate)|schedulers(?: add)?|policy (?:set|test)|user (?:add|renew)|ca finish|config sample|help)$/;
    const words = (parent: ReturnType<typeof arpanetProgram>, before: string): readonly string[] =>
      parent.commands.flatMap((one) => [
        ...(one.commands.length > 0 ? words(one, `${before}${one.name()} `) : []),
        `${before}${one.name()}`,
      ]);
    const all = words(arpanetProgram(terminalOf()), '');
    const here = [...Object.keys(REPORTS), ...Object.keys(LISTS), ...CHANGES];
    assert.deepEqual(
      all.filter((one) => !own.test(one) && !here.some((line) => `${line} `.startsWith(`${one} `))),
      [],
    );
  });

  it('has tables no wider than 80 characters also in reports', async () => {
    for (const line of ['hosts inspect h1', 'config get', 'boot ls', 'rebalance --plan', 'explain abc_web_1']) {
      const { out } = await typed(line, 80);
      const isTable = (one: string): boolean => /^\S+(?: \S+)*(?: {2,}\S+(?: \S+)*){2,}/.test(one);
      assert.deepEqual(
        out.split('\n').filter((one) => isTable(one) && one.length > 80),
        [],
        line,
      );
    }
  });

  it('ui prints the link of the dashboard and opens nothing where there is no terminal; without TLS it needs no code', async () => {
    asked.length = 0;
    const url = `${endpoint.replace('tcp', 'http')}/ui/`;
    assert.deepEqual(await typed('ui'), { out: `${url}\n`, said: '' });
    assert.deepEqual(JSON.parse((await typed('ui --json')).out), { url });
    assert.deepEqual(asked, []);
    await assert.rejects(typed('ui --endpoint unix:///run/arpanet.sock'), { kind: 'invalid', message: /no browser reaches unix:/ });
  });
});
