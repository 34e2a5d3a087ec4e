import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuseNameless, sessionCookie, sessionIn } from '../../../src/security/index.ts';

const ada = { user: 'ada', kind: 'client', fingerprint: 'f00d', issuer: 'ca', from: '10.0.0.9' };
const HOUR_MS = 3_600_000;
const cookieOf = (setCookie: string): string => setCookie.split(';')[0] ?? '';

describe('the session of a browser', () => {
  const set = sessionCookie('secret', ada, 0);

  it('is a cookie that no script reads, no other site sends, and no plain connection carries', () => {
    assert.match(set, /; HttpOnly; Secure; SameSite=Strict$/);
    assert.match(set, /; Path=\/; Max-Age=43200;/);
    assert.match(sessionCookie('secret', undefined, 0), /^arpanet-session=; .*Max-Age=0;/);
  });

  it('says whose certificate it stands for, beside other cookies, for twelve hours', () => {
    const cookies = `theme=dark; ${cookieOf(set)}; other=1`;
    assert.deepEqual(sessionIn('secret', cookies, 11 * HOUR_MS), ada);
    assert.equal(sessionIn('secret', cookies, 12 * HOUR_MS), undefined);
  });

  it('is made by schedulers of this cluster alone', () => {
    const value = cookieOf(set);
    const [text = '', mac = ''] = value.split('.');
    const other = cookieOf(sessionCookie('secret', { ...ada, user: 'olga' }, 0)).split('.')[0] ?? '';
    for (const forged of [
      `${other}.${mac}`,
      `${text}.`,
      text,
      `${value}.${mac}`,
      `${text}.${mac.slice(1)}`,
      'arpanet-session=',
      'x=1',
      undefined,
    ])
      assert.equal(sessionIn('secret', forged, 0), undefined, forged);
    assert.equal(sessionIn('another', value, 0), undefined);
  });

  it('is all that counts without a certificate, beside the page itself: nothing for machines', () => {
    const refusal = (url: string, cookie?: string) => refuseNameless({ url, headers: { cookie } });
    for (const url of ['/ui', '/ui/hosts/h1?x=1', '/arpanet/v1/session']) assert.equal(refusal(url), undefined, url);
    for (const url of ['/', '/uix', '/containers/json', '/_ping', '/arpanet/v1/status', '/arpanet/v1/session/x', '/arpanet/v1/agent'])
      assert.match(refusal(url) ?? '', /a client certificate is needed.*arpanet ui/, url);
    const cookie = cookieOf(set);
    for (const url of ['/containers/json', '/arpanet/v1/watch', '/arpanet/v1/terminal']) assert.equal(refusal(url, cookie), undefined, url);
    for (const url of ['/_ping', '/v1.41/_ping', '/metrics', '/arpanet/v1/agent', '/arpanet/v1/join', '/arpanet/v1/health'])
      assert.notEqual(refusal(url, cookie), undefined, url);
  });
});
