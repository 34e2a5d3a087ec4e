/** `dig` against a server on this machine. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { promisedMs } from '../promised.ts';

export interface Dug {
  readonly status: string;
  /** `qr aa tc rd ra` */
  readonly flags: readonly string[];
  /** The answer section: `type data`, sorted. */
  readonly answers: readonly string[];
  readonly authority: readonly string[];
  readonly additional: readonly string[];
  readonly bytes: number;
}

/** `dig({ port }, 'pricing.abc.service.consul', 'AAAA', '+tcp')`; throws when there is no answer. */
export async function dig(server: { readonly port: number; readonly address?: string }, ...args: readonly string[]): Promise<Dug> {
  const fixed = [
    `@${server.address ?? '127.0.0.1'}`,
    '-p',
    String(server.port),
    // as a resolver: a datagram that the kernel dropped is sent again
    '+tries=3',
    `+time=${Math.ceil(promisedMs(5_000) / 1_000)}`,
  ];
  const { stdout } = await promisify(execFile)('dig', [...fixed, ...args]);
  const section = (name: string): string[] =>
    (new RegExp(`;; ${name} SECTION:\\n([\\s\\S]*?)\\n\\n`).exec(stdout)?.[1] ?? '')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(';'))
      .map((line) => line.split(/\s+/).slice(3).join(' '))
      .sort();
  return {
    status: /status: (\w+)/.exec(stdout)?.[1] ?? '',
    flags: (/;; flags: ([a-z ]*);/.exec(stdout)?.[1] ?? '').split(' '),
    answers: section('ANSWER'),
    authority: section('AUTHORITY'),
    additional: section('ADDITIONAL'),
    bytes: Number(/MSG SIZE {2}rcvd: (\d+)/.exec(stdout)?.[1]),
  };
}
