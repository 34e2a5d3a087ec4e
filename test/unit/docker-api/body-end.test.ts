import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bodyEnd } from '../../../src/docker-api/proxy/body-end.ts';

const CHUNKED = { 'transfer-encoding': 'chunked' };
const BODY = '3\r\nabc\r\n1A ;x=y\r\nabcdefghijklmnopqrst\r\nwxyz\r\n0\r\nTrailer: t\r\n\r\n';
const NEXT = 'GET / HTTP/1.1\r\n\r\n';

/** How much of the text, given in pieces of this size, is body. */
function lengthIn(headers: Record<string, string>, text: string, pieceBytes: number): number {
  const end = bodyEnd(headers);
  let taken = 0;
  for (let at = 0; at < text.length && !end.isReached(); at += pieceBytes) taken += end.take(Buffer.from(text.slice(at, at + pieceBytes)));
  assert.equal(end.isReached(), true);
  return taken;
}

describe('the end of a body', () => {
  it('is found in any pieces, and what follows is left', () => {
    for (let size = 1; size < BODY.length + NEXT.length; size++) {
      assert.equal(lengthIn(CHUNKED, BODY + NEXT, size), BODY.length, `in pieces of ${size}`);
      assert.equal(lengthIn({ 'content-length': '12' }, BODY + NEXT, size), 12, `in pieces of ${size}`);
    }
  });

  it('is not reached before the last byte', () => {
    const end = bodyEnd(CHUNKED);
    assert.equal(end.take(Buffer.from(BODY.slice(0, -1))), BODY.length - 1);
    assert.equal(end.isReached(), false);
  });

  it('is refused when a chunk is malformed', () => {
    const longLines = [`1;${'x'.repeat(20_000)}`, `0\r\n${'Trailer: t\r\n'.repeat(2_000)}`];
    for (const bad of ['x\r\n', '-1\r\n', '3\r\nabcd\r\n', '3\n', '3\r\nabc\n', '1234567890123\r\n', '\r\n', ...longLines])
      assert.throws(() => bodyEnd(CHUNKED).take(Buffer.from(bad)), { kind: 'invalid' }, bad);
  });
});
