import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canaryOf } from '../../../src/model/http.ts';
import { HTTP_FORM, parseHttp } from '../../../src/text/http-label.ts';

describe('the label arpanet.http', () => {
  it('has names and paths, a port, a protocol and a cookie', () => {
    const plain = { sites: ['shop.example.com/'], port: undefined, isH2c: false, isSticky: false };
    assert.deepEqual(parseHttp('Shop.Example.com'), plain);
    assert.deepEqual(parseHttp('shop.example.com/ proto=http'), plain);
    assert.deepEqual(parseHttp(' a.b/api,c/x_y/v1.0/ port=8080 proto=h2c sticky'), {
      sites: ['a.b/api/', 'c/x_y/v1.0/'],
      port: 8080,
      isH2c: true,
      isSticky: true,
    });
  });

  it('is read as it was meant, or not at all', () => {
    for (const wrong of [
      '',
      'http://a.b',
      'a.b:80',
      'a..b',
      '-a.b',
      'a_b',
      '*.a.b',
      'bücher.example',
      'a.b\nbackend x',
      'a.b/x y',
      'a.b//x',
      'a.b/../x',
      'a.b/%41',
      'a.b/x;y',
      'a.b,a.b/',
      'a.b,',
      'a.b port=0',
      'a.b port=65536',
      'a.b port=80 port=81',
      'a.b proto=tcp',
      'a.b stick',
      `${'a'.repeat(64)}.b`,
      `a.b/${'x'.repeat(300)}`,
    ])
      assert.equal(parseHttp(wrong), undefined, wrong);
    for (const [, shown = ''] of HTTP_FORM.matchAll(/"([^"]+)"/g)) assert.notEqual(parseHttp(shown), undefined, shown);
  });
});

describe('the label arpanet.canary', () => {
  it('names a service and its share', () => {
    assert.deepEqual(canaryOf('web 10%'), { of: 'web', share: 0.1 });
    for (const wrong of [undefined, '', 'web', 'web 0%', 'web 100%', '10%']) assert.equal(canaryOf(wrong), undefined);
  });
});
