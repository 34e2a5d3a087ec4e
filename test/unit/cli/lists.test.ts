import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arpanetProgram } from '../../../src/cli/program.ts';
import { formatted } from '../../../src/cli/output/format.ts';
import { table } from '../../../src/cli/output/table.ts';
import { createClient } from '../../../src/client/index.ts';
import { pageReader, showList } from '../../../src/cli/list.ts';
import { secondsOf } from '../../../src/cli/times.ts';

const rows = [
  { id: 'a'.repeat(64), name: 'abc-web-1', host: 'h1', addresses: ['10.32.0.2', '10.33.0.2'], labels: { disk: 'ssd' }, isStopped: false },
  { id: 'b'.repeat(64), name: 'abc-web-2', host: 'h2', addresses: [], labels: {}, isStopped: true },
];

describe('--format', () => {
  const cases: readonly (readonly [format: string, text: string])[] = [
    ['{{.Name}} on {{.Host}}', 'abc-web-1 on h1\nabc-web-2 on h2'],
    [String.raw`{{.Name}}\t{{.Addresses}}`, 'abc-web-1\t10.32.0.2,10.33.0.2\nabc-web-2\t'],
    [String.raw`table {{.Name}}\t{{.Host}}`, 'NAME       HOST\nabc-web-1  h1\nabc-web-2  h2'],
    [String.raw`table {{upper .Name}}\t{{.IsStopped}}`, 'NAME       IS STOPPED\nABC-WEB-1  false\nABC-WEB-2  true'],
    ['{{.Labels.disk}}', 'ssd\n<no value>'],
    ['{{if .IsStopped}}{{truncate .ID 3}}{{else}}-{{end}}', '-\nbbb'],
    ['{{json .Labels}}', '{"disk":"ssd"}\n{}'],
  ];
  for (const [format, text] of cases) it(`takes ${format}`, () => assert.equal(formatted(format, rows), text));
  it('takes json: one object per line', () => {
    assert.deepEqual(
      formatted('json', rows)
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
      rows,
    );
  });
  it('says which fields there are, or which one is near', () => {
    assert.throws(() => formatted('{{.Nmae}}', rows), { kind: 'invalid', message: /can't evaluate field Nmae; did you mean Name\?/ });
    assert.throws(() => formatted('{{.Name', rows), { kind: 'invalid', message: /the fields are ID, Name, Host/ });
    assert.throws(() => formatted('{{nothing .Name}}', rows), { kind: 'invalid', message: /function "nothing" not defined/ });
  });
});

describe('a table on a terminal', () => {
  const cells = [
    ['abc', 'registry.example.com/team/pricing:2026-11-29', 'Up 3 minutes'],
    ['xyz', 'busybox', 'Exited (0) 1 minute ago'],
  ];
  it('is cut to its width in the widest columns, and says where', () => {
    const lines = table(['NAME', 'IMAGE', 'STATE'], cells, 40).split('\n');
    assert.ok(
      lines.every((line) => line.length <= 40),
      lines.join('\n'),
    );
    assert.deepEqual(lines, [
      'NAME  IMAGE             STATE',
      'abc   registry.exampl…  Up 3 minutes',
      'xyz   busybox           Exited (0) 1 mi…',
    ]);
  });
  it('is whole where there is room, and in a pipe', () => {
    assert.equal(table(['NAME', 'IMAGE', 'STATE'], cells, 200), table(['NAME', 'IMAGE', 'STATE'], cells));
  });
});

describe('lists', () => {
  const listing = { text: () => 'TABLE', rows: (all: typeof rows) => all, key: ({ name }: (typeof rows)[number]) => name };
  const shown = async (flags: object): Promise<string> => {
    let text = '';
    const out = (more: string): void => void (text += more);
    const terminal = { env: {}, out, paced: () => Promise.resolve(true), say: out, isTerminal: false, columns: undefined };
    await showList(() => Promise.resolve(rows), listing, flags, terminal);
    return text;
  };
  it('are tables, names with --quiet, templates with --format, JSON with --json', async () => {
    assert.equal(await shown({}), 'TABLE\n');
    assert.equal(await shown({ quiet: true }), 'abc-web-1\nabc-web-2\n');
    assert.equal(await shown({ format: '{{.Host}}' }), 'h1\nh2\n');
    assert.deepEqual(JSON.parse(await shown({ json: true })), rows);
  });
});

describe('a page of a list', () => {
  it('is asked for by --limit and --continue, and says how to go on', async () => {
    const asked: string[] = [];
    const said: string[] = [];
    const v1 = createClient(async ({ path }) => {
      asked.push(path);
      const header = (name: string) => ({ 'arpanet-continue': 'aDE', 'content-type': 'application/json' })[name];
      return { status: 200, header, text: async () => '[]', async *chunks() {} };
    });
    const read = (flags: object) => pageReader({ v1 }, flags, { say: (line) => void said.push(line) });
    await read({ limit: '2', continue: 'aA' })('getServices', { of: 'abc' });
    await read({})('getHosts', {}, { timeoutMs: 1 });
    assert.deepEqual(asked, ['/arpanet/v1/services?of=abc&limit=2&continue=aA', '/arpanet/v1/hosts']);
    assert.deepEqual(said[0], 'there is more: add --continue aDE');
    const watch = read({ limit: '2' });
    said.length = 0;
    for (let i = 0; i < 3; i++) await watch('getServices', {});
    assert.equal(said.length, 1);
  });
});

describe('times on the command line', () => {
  it('are how long ago, Unix times or RFC 3339', () => {
    const nowMs = Date.parse('2026-11-29T12:00:00Z');
    assert.equal(secondsOf('--since', '10m', nowMs), String(nowMs / 1_000 - 600));
    assert.equal(secondsOf('--since', '1d', nowMs), String(nowMs / 1_000 - 86_400));
    assert.equal(secondsOf('--since', '1780000000', nowMs), '1780000000');
    assert.equal(secondsOf('--since', '2026-11-29T11:00:00Z', nowMs), String(nowMs / 1_000 - 3_600));
    assert.throws(() => secondsOf('--until', 'yesterday', nowMs), { message: /--until is "yesterday": write how long ago/ });
  });
});

describe('the help', () => {
  const terminal = {
    env: {},
    out: () => undefined,
    paced: () => Promise.resolve(true),
    say: () => undefined,
    isTerminal: false,
    columns: undefined,
  };
  it('has the commands in groups, those that matter first', () => {
    const help = arpanetProgram(terminal).helpInformation();
    const headings = help.split('\n').filter((line) => /^\S.*:$/.test(line));
    assert.deepEqual(headings, ['Options:', 'Most used:', 'See:', 'Change:', 'Hosts:', 'Set up:', 'Repair:']);
    const first = help.slice(help.indexOf('Most used:'), help.indexOf('See:'));
    assert.deepEqual(
      [...first.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name),
      ['up', 'status', 'deploy', 'logs', 'doctor'],
    );
  });
});
