/**
 * The client's end of a build by BuildKit: while it runs, the Engine asks over a connection of its own (`POST /session`, h2c) for secrets and for the
 * credentials of registries. Effects: serves gRPC on the socket that it is given.
 */
import type { Socket } from 'node:net';
import { callbackify } from 'node:util';
import type { ServiceDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs/minimal.js';

type Grpc = typeof import('@grpc/grpc-js');
type Done = (error: Error | null, value: Buffer) => void;

/** What the Engine may ask for. Source: moby/buildkit, session/secrets/secrets.proto, session/auth/auth.proto; grpc/health/v1. */
const METHODS = {
  secret: '/moby.buildkit.secrets.v1.Secrets/GetSecret',
  credentials: '/moby.filesync.v1.Auth/Credentials',
  health: '/grpc.health.v1.Health/Check',
} as const;

export interface BuildSession {
  /** Of the builds that belong to it: the parameter `session`. */
  readonly id: string;
  readonly end: () => void;
}

/** The headers of `POST /session`, one line for each value. Source: moby/buildkit, session/manager.go. */
export const sessionHeaders = (id: string): Readonly<Record<string, string | readonly string[]>> => ({
  'X-Docker-Expose-Session-Uuid': id,
  'X-Docker-Expose-Session-Name': 'arpanet',
  'X-Docker-Expose-Session-Grpc-Method': Object.values(METHODS),
});

/** What the Engine gets when it asks. */
export interface BuildAnswers {
  /** By the ids that the Dockerfile names. */
  readonly secrets: ReadonlyMap<string, Buffer>;
  /** For a registry's host; undefined: the Engine asks it as anybody may. */
  readonly credentials: (host: string) => Promise<{ readonly username: string; readonly secret: string } | undefined>;
}

/** Answers on the socket after the upgrade, until `end`. A secret that nobody gave is `NOT_FOUND`; a build that does not require it goes on. */
export async function serveSession(id: string, socket: Socket, { secrets, credentials }: BuildAnswers): Promise<BuildSession> {
  // At its first use: it takes 20 MB. In the build a package in CommonJS has no name but its default; from source this one has none.
  const { default: built, ...plain }: Grpc & { readonly default?: Grpc } = await import('@grpc/grpc-js');
  const grpc = built ?? plain;
  const server = new grpc.Server();
  const serve = (path: string, answer: (question: string) => Promise<Uint8Array | undefined> | Uint8Array | undefined): void => {
    const same = (bytes: Buffer): Buffer => bytes;
    const answered = callbackify(async ({ request }: { readonly request: Buffer }): Promise<Buffer> => {
      const found = await answer(first(request));
      if (found === undefined) throw Object.assign(new Error('there is no such secret'), { code: grpc.status.NOT_FOUND });
      return Buffer.from(found);
    });
    const call = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    server.addService({ call } satisfies ServiceDefinition, {
      call: (asked: { readonly request: Buffer }, done: Done) => answered(asked, done),
    });
  };
  serve(METHODS.secret, (name) => {
    const data = secrets.get(name);
    return data && protobuf.Writer.create().uint32(0x0a).bytes(data).finish();
  });
  serve(METHODS.credentials, async (host) => {
    const { username, secret } = (await credentials(host)) ?? { username: '', secret: '' };
    return protobuf.Writer.create().uint32(0x0a).string(username).uint32(0x12).string(secret).finish();
  });
  serve(METHODS.health, () => protobuf.Writer.create().uint32(0x08).int32(1).finish());
  server.createConnectionInjector(grpc.ServerCredentials.createInsecure()).injectConnection(socket);
  return {
    id,
    end: () => {
      server.forceShutdown();
      socket.destroy();
    },
  };
}

/** The text that is field 1 of every question here. */
function first(request: Buffer): string {
  const reader = protobuf.Reader.create(request);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) return reader.string();
    reader.skipType(tag & 7);
  }
  return '';
}
