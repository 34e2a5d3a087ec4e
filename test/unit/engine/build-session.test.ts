/** The session of a build, asked as an Engine asks: by gRPC over a connection that the client has opened. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import protobuf from 'protobufjs/minimal.js';
import { type BuildSession, serveSession, sessionHeaders } from '../../../src/engine/build-session.ts';

describe('a build session', () => {
  let session: BuildSession;
  let engine: ClientHttp2Session;
  const listener = createServer();
  before(async () => {
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
    const [theirs] = (await once(listener, 'connection')) as [Socket];
    session = await serveSession('id', client, {
      secrets: new Map([['token', Buffer.from('sesame')]]),
      credentials: async (host) => (host === 'docker.io' ? undefined : { username: 'ali', secret: host }),
    });
    engine = connectHttp2('http://engine', { createConnection: () => theirs });
  });
  after(() => {
    engine.destroy();
    session.end();
    listener.close();
  });

  /** The gRPC status, and the message without its five bytes of frame. */
  async function ask(path: string, text: string) {
    const call = engine.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
    const message = protobuf.Writer.create().uint32(0x0a).string(text).finish();
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(message.length, 1);
    call.end(Buffer.concat([frame, message]));
    let status: unknown;
    call.on('trailers', (trailers) => (status = trailers['grpc-status']));
    call.on('response', (headers) => (status ??= headers['grpc-status']));
    const whole = await buffer(call);
    return { status: Number(status), message: whole.subarray(5) };
  }

  it('gives the secrets that the build was given, and no others', async () => {
    const { status, message } = await ask('/moby.buildkit.secrets.v1.Secrets/GetSecret', 'token');
    assert.deepEqual([status, protobuf.Reader.create(message.subarray(1)).string()], [0, 'sesame']);
    assert.equal((await ask('/moby.buildkit.secrets.v1.Secrets/GetSecret', 'other')).status, 5, 'NOT_FOUND');
  });

  it('gives the credentials of registries, is healthy, and says what it can', async () => {
    const credentials = async (host: string) => {
      const { message } = await ask('/moby.filesync.v1.Auth/Credentials', host);
      const reader = protobuf.Reader.create(message);
      return [reader.uint32() && reader.string(), reader.uint32() && reader.string()];
    };
    assert.deepEqual(await credentials('docker.io'), ['', '']);
    assert.deepEqual(await credentials('registry:5000'), ['ali', 'registry:5000']);
    assert.deepEqual(await ask('/grpc.health.v1.Health/Check', ''), { status: 0, message: Buffer.from([8, 1]) });
    assert.equal((await ask('/moby.sshforward.v1.SSH/CheckAgent', '')).status, 12, 'UNIMPLEMENTED');
    const methods = sessionHeaders('id')['X-Docker-Expose-Session-Grpc-Method'];
    for (const path of Array.isArray(methods) ? methods : []) assert.equal((await ask(String(path), 'token')).status, 0, String(path));
  });
});
