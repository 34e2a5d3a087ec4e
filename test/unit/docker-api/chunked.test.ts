import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { readChunked, readFramed } from '../../../src/docker-api/proxy/chunked.ts';

/** The body and what follows it, of a client that sends this and ends. */
const read = async (given: string): Promise<readonly string[]> => {
  const { body, rest } = await readChunked(new PassThrough().end(), Buffer.from(given), 100);
  return [body.toString(), rest.toString()];
};

describe('a chunked body before a stream', () => {
  it('is read to its end, extensions and trailers passed over, and what follows is kept', async () => {
    assert.deepEqual(await read('0\r\n\r\n'), ['', '']);
    assert.deepEqual(await read('d\r\n{"Tty":false}\r\n0\r\n\r\nhello'), ['{"Tty":false}', 'hello']);
    assert.deepEqual(await read('1;x=y\r\na\r\n2\r\nbc\r\n0\r\nTrailer: t\r\n\r\n'), ['abc', '']);
  });

  it('is waited for while a part of it is missing', async () => {
    const whole = '3\r\nabc\r\n0\r\n\r\n';
    for (let length = 0; length < whole.length; length++)
      await assert.rejects(read(whole.slice(0, length)), { message: /unexpected EOF/ }, `${length} bytes`);
  });

  it('is refused when it is malformed', async () => {
    for (const bad of ['x\r\n', '-1\r\n', '3\r\nabcd\r\n', '1234567890123\r\n'])
      await assert.rejects(read(bad), { kind: 'invalid', message: 'malformed chunked encoding' }, bad);
  });

  it('comes off a socket in pieces; the socket can be read on', async () => {
    const socket = new PassThrough();
    const reading = readChunked(socket, Buffer.from('3\r\na'), 100);
    for (const piece of ['bc\r', '\n0\r\n', '\r\nstream']) {
      socket.write(piece);
      await new Promise(setImmediate);
    }
    const { body, rest } = await reading;
    assert.deepEqual([body.toString(), rest.toString()], ['abc', 'stream']);
    const heard = new Promise((resolve) => void socket.once('data', resolve));
    socket.write('more');
    assert.equal(String(await heard), 'more');
  });

  it('that has a length is read to it, in pieces too, and what follows is kept', async () => {
    const socket = new PassThrough();
    const reading = readFramed(socket, Buffer.from('ab'), { 'content-length': '4' }, 100);
    socket.write('c');
    await new Promise(setImmediate);
    socket.write('dstream');
    const { body, rest } = await reading;
    assert.deepEqual([body.toString(), rest.toString()], ['abcd', 'stream']);
    const none = await readFramed(new PassThrough(), Buffer.from('stream'), {}, 100);
    assert.deepEqual([none.body.toString(), none.rest.toString()], ['', 'stream']);
    const inChunks = await readFramed(new PassThrough(), Buffer.from('2\r\nab\r\n0\r\n\r\nrest'), { 'transfer-encoding': 'chunked' }, 100);
    assert.deepEqual([inChunks.body.toString(), inChunks.rest.toString()], ['ab', 'rest']);
    await assert.rejects(readFramed(new PassThrough().end(), Buffer.from('ab'), { 'content-length': '4' }, 100), /unexpected EOF/);
    await assert.rejects(readFramed(new PassThrough(), Buffer.from('ab'), { 'content-length': '101' }, 100), { kind: 'too-large' });
  });

  it('that ends too early or is too long is refused', async () => {
    const cut = new PassThrough();
    const reading = readChunked(cut, Buffer.from('3\r\na'), 100);
    cut.end();
    await assert.rejects(reading, { kind: 'invalid', message: /unexpected EOF/ });
    for (const size of ['ff', '123456789'])
      await assert.rejects(readChunked(new PassThrough(), Buffer.from(`${size}\r\n${'a'.repeat(200)}`), 100), { kind: 'too-large' });
  });
});
