import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Filters, parseFilters } from '../../../src/docker-api/reads/filters.ts';
import { atoi, boolValue, parseTimestampMs, pathPattern, timeKey } from '../../../src/docker-api/json/go-values.ts';
import { parseDurationMs } from '../../../src/text/duration.ts';

const filters = (value: Record<string, readonly string[]>): Filters => parseFilters(JSON.stringify(value));

describe('filters', () => {
  it('come as lists or as sets', () => {
    assert.deepEqual(parseFilters('{"status":["a","b"]}').get('status'), ['a', 'b']);
    assert.deepEqual(parseFilters('{"status":{"a":true,"b":false,"c":null}}').get('status'), ['a', 'b', 'c']);
    for (const nothing of [null, '', 'null', '{}']) assert.ok(parseFilters(nothing).isEmpty);
  });

  it('are refused when they are neither', () => {
    for (const wrong of ['x', '[]', '3', '{"a":3}', '{"a":"b"}', '{"a":[3]}', '{"a":{"b":1}}', '{"a":["b"],"c":{"d":true}}']) {
      assert.throws(() => parseFilters(wrong), { kind: 'invalid', message: 'invalid filter' }, wrong);
    }
  });

  it('name the key that a list does not know', () => {
    assert.throws(() => filters({ foo: ['a'] }).only('bar'), { kind: 'invalid', message: "invalid filter 'foo'" });
  });

  it('match exactly, by prefix, or as a Go regular expression found anywhere', () => {
    const one = filters({ k: ['we.', '^x$'], none: [] });
    assert.ok(one.match('k', 'the web') && one.match('k', 'x') && !one.match('k', 'xx'));
    assert.ok(one.match('none', 'anything') && one.match('absent', 'anything'));
    assert.ok(filters({ k: ['ab'] }).fuzzy('k', 'abc') && !filters({ k: ['bc'] }).fuzzy('k', 'abc'));
    assert.ok(!filters({ k: ['ab'] }).exact('k', 'abc'));
    for (const pattern of ['(?i)WEB', '\\Aweb\\z', '(?P<n>w)eb', '^[[:alpha:]]+$'])
      assert.ok(filters({ k: [pattern] }).match('k', 'web'), pattern);
  });

  it('never match by what Go would not compile: a broken pattern, look-around, back-references', () => {
    for (const pattern of ['[', '(?=w)', '(w)\\1|web', `${'a?'.repeat(200)}web`])
      assert.ok(!filters({ k: [pattern] }).match('k', 'web'), pattern);
    assert.ok(filters({ k: ['['] }).match('k', '['));
  });

  it('want all labels asked for, with or without value', () => {
    const labels = { a: '1', b: '', 'c=d': 'x' };
    assert.ok(filters({ label: ['a', 'b'] }).labels('label', labels));
    assert.ok(filters({ label: ['a=1', 'b='] }).labels('label', labels));
    assert.ok(!filters({ label: ['a=1', 'z'] }).labels('label', labels));
    assert.ok(!filters({ label: ['a=2'] }).labels('label', labels));
    assert.ok(!filters({ label: ['toString'] }).labels('label', labels));
    assert.ok(!filters({ label: ['a'] }).labels('label', null));
    assert.ok(filters({}).labels('label', null));
  });

  it('read booleans as the Engine does', () => {
    assert.equal(filters({}).bool('dangling'), undefined);
    assert.equal(filters({ dangling: ['1'] }).bool('dangling'), true);
    assert.equal(filters({ dangling: ['false'] }).bool('dangling'), false);
    assert.throws(() => filters({ dangling: ['a'] }).bool('dangling'), { message: "invalid filter 'dangling=[a]'" });
    assert.throws(() => filters({ dangling: ['true', 'false'] }).bool('dangling'), { message: "invalid filter 'dangling=[true false]'" });
    assert.throws(() => filters({ dangling: [] }).bool('dangling'), { message: "invalid filter 'dangling'" });
  });
});

describe('values in requests', () => {
  it('are true unless they say otherwise', () => {
    for (const no of [null, '', '0', 'no', 'False', ' none ']) assert.equal(boolValue(no), false);
    for (const yes of ['1', 'true', 'yes', '2']) assert.equal(boolValue(yes), true);
    assert.deepEqual(['7', '-7', '+7', '7.0', 'x', ''].map(atoi), [7, -7, 7, undefined, undefined, undefined]);
  });

  it('are durations and times in all of the forms that the Engine takes', () => {
    assert.equal(parseDurationMs('1h10m0.5s'), 4_200_500);
    assert.deepEqual(['1', 'h', '1h-2m', ''].map(parseDurationMs), [undefined, undefined, undefined, undefined]);
    const nowMs = Date.parse('2026-01-02T00:00:00Z');
    assert.equal(parseTimestampMs('24h', nowMs), Date.parse('2026-01-01T00:00:00Z'));
    assert.equal(parseTimestampMs('1700000000.5', nowMs), 1_700_000_000_500);
    assert.equal(parseTimestampMs('2026-01-01', nowMs), Date.parse('2026-01-01T00:00:00Z'));
    assert.equal(parseTimestampMs('2026-01-01T10', nowMs), Date.parse('2026-01-01T10:00:00Z'));
    assert.equal(parseTimestampMs('2026-01-01T10:30:00.25+02:00', nowMs), Date.parse('2026-01-01T08:30:00.25Z'));
    assert.throws(() => parseTimestampMs('zz', nowMs), { engineStatus: 500, message: 'failed to parse value as time or duration: "zz"' });
  });

  it("are path patterns with Go's meaning", () => {
    const matches = (pattern: string, text: string) => pathPattern(pattern).test(text);
    assert.ok(matches('busy*', 'busybox') && matches('b?sybox', 'busybox') && matches('[a-c]usybox', 'busybox'));
    assert.ok(!matches('*', 'a/b') && matches('*/*', 'a/b') && !matches('busybo', 'busybox') && matches('a\\*', 'a*'));
    for (const wrong of ['[', 'a[', 'x\\'])
      assert.throws(() => pathPattern(wrong), { engineStatus: 500, message: 'syntax error in pattern' });
  });

  it('sort as times whatever the digits of their fractions', () => {
    const times = ['2026-01-01T00:00:00.9Z', '2026-01-01T00:00:00.10Z', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00.099999999Z'];
    assert.deepEqual(
      times.toSorted((a, b) => (timeKey(a) < timeKey(b) ? -1 : 1)),
      ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.099999999Z', '2026-01-01T00:00:00.10Z', '2026-01-01T00:00:00.9Z'],
    );
  });
});
