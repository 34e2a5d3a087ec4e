/** Bad input of each kind, sent to every route that takes it: bodies, content types, filters, values, names. */
import type { Case } from '../session.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Routes that read a JSON body, with one that has a field of a wrong type. */
const BODIES: readonly (readonly [line: string, wrong: string])[] = [
  ['POST /containers/bad/exec', '{"Cmd":7}'],
  ['POST /containers/bad/update', '{"Memory":"x"}'],
  ['POST /networks/create', '{"Name":7}'],
  ['POST /networks/bad-net/connect', '{"Container":7}'],
  ['POST /networks/bad-net/disconnect', '{"Container":7}'],
  ['POST /volumes/create', '{"Name":7}'],
  ['POST /commit?container=bad', '{"Env":7}'],
];

const FILTERED: readonly string[] = [
  'GET /containers/json',
  'GET /images/json',
  'GET /networks',
  'GET /volumes',
  'GET /events?since=1&until=2',
  'POST /containers/prune',
  'POST /images/prune',
  'POST /networks/prune',
  'POST /volumes/prune',
  'POST /build/prune',
];

const VALUES: readonly string[] = [
  'GET /containers/json?limit=x',
  'GET /containers/json?limit=1.5',
  'GET /containers/json?limit=99999999999999999999',
  'GET /containers/json?all=maybe&size=maybe',
  'GET /containers/odd/json?size=maybe',
  'GET /containers/odd/logs?stdout=1&tail=1.5',
  'GET /containers/odd/logs?stdout=1&since=yesterday',
  'GET /containers/odd/logs?follow=1',
  'GET /containers/odd/stats?stream=maybe&one-shot=1',
  'GET /containers/odd/top?ps_args=',
  'GET /containers/odd/top?ps_args=-o%20nothing',
  'POST /containers/odd/stop?t=1.5',
  'POST /containers/odd/restart?t=x',
  'POST /containers/odd/kill?signal=',
  'POST /containers/odd/kill?signal=0',
  'POST /containers/odd/kill?signal=KILLED',
  'POST /containers/odd/resize',
  'POST /containers/odd/resize?h=-1&w=1',
  'POST /containers/odd/resize?h=99999999999999999999&w=1',
  'POST /containers/odd/rename',
  'POST /containers/odd/wait?condition=',
  'DELETE /containers/nobody?force=x',
  'DELETE /containers/odd?v=x&force=x&link=0',
  'GET /images/json?all=maybe',
  'POST /images/busybox/tag',
  'GET /images/nobody/get?x=y',
  'GET /events?since=yesterday&until=1',
  'GET /events?since=1&until=tomorrow',
  'GET /events?since=1.9999999999&until=2',
  'GET /exec/nobody/json?x=y',
  'GET /volumes/%20',
  'GET /images/%2E%2E/json',
  'GET /containers/%00/json',
  'GET /containers/%zz/json',
];

export const cases: readonly Case[] = [
  {
    name: 'bad bodies',
    async run(s) {
      await s.up('bad');
      await s.quiet('POST /networks/create', { Name: 'bad-net' });
      const send = async (line: string, label: string, body: string | undefined, headers: Record<string, string>): Promise<void> => {
        await s.ask(`${line} ${label}`, line, body, { headers });
      };
      for (const [line, wrong] of BODIES) {
        await send(line, 'without a body', undefined, {});
        await send(line, 'empty', '', JSON_TYPE);
        await send(line, 'broken', '{"a":', JSON_TYPE);
        await send(line, 'a list', '[]', JSON_TYPE);
        await send(line, 'a text', '"x"', JSON_TYPE);
        await send(line, 'null', 'null', JSON_TYPE);
        await send(line, 'wrong type', wrong, JSON_TYPE);
        await send(line, 'as text', '{}', { 'Content-Type': 'text/plain' });
        await send(line, 'as a form', 'a=b', { 'Content-Type': 'application/x-www-form-urlencoded' });
        await send(line, 'untyped', '{}', {});
        await send(line, 'unreadable type', '{}', { 'Content-Type': ';;' });
        await send(line, 'typed with a charset', '{}', { 'Content-Type': 'application/json; charset=utf-8' });
      }
    },
  },
  {
    name: 'bad filters',
    async run(s) {
      for (const line of FILTERED) {
        const ask = (label: string, filters: string) =>
          s.ask(`${line} ${label}`, `${line}${line.includes('?') ? '&' : '?'}filters=${encodeURIComponent(filters)}`);
        await ask('no JSON', 'x');
        await ask('cut', '{"name":');
        await ask('a number', '7');
        await ask('a list', '["name"]');
        await ask('a value that is no list', '{"name":7}');
        await ask('values that are no texts', '{"name":[7]}');
        await ask('nothing of this name', '{"nothing":["x"]}');
      }
    },
  },
  {
    name: 'bad values',
    isAlone: true,
    async run(s) {
      await s.create('odd');
      for (const line of VALUES) await s.ask(line, line);
    },
  },
  {
    name: 'methods and paths',
    async run(s) {
      const tried: readonly string[] = [
        'PUT /containers/json',
        'DELETE /containers/create',
        'GET /containers/create',
        'GET /networks/create',
        'GET /volumes/create',
        'GET /build',
        'GET /auth',
        'GET /commit',
        'POST /info',
        'POST /version',
        'POST /events',
        'GET /containers/prune',
        'HEAD /version',
        'HEAD /images/json',
        'HEAD /networks',
        'HEAD /volumes',
        'HEAD /containers/nobody/json',
        'TRACE /info',
        'PROPFIND /info',
        'GET /containers',
        'GET /images',
        'GET /images/',
        'GET /exec',
        'GET /exec/x',
        'GET /v1.41',
        'GET /v1.41/',
        'GET /v1/_ping',
        'GET /v1.1.1/_ping',
        'GET /v1.041/_ping',
        'GET /debug/vars',
        'GET /containers/json/',
        'GET /INFO',
        'GET /_ping/',
      ];
      for (const line of tried) await s.ask(line, line);
    },
  },
];
