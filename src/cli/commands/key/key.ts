/** `arpanet key show` and `rotate`. Effects: an HTTP request, the terminal. */
import type { KeyReport } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';

const TIMEOUT_MS = 300_000;

function textOf({ keys, missing }: KeyReport): string {
  const lines = keys.map((key, i) => `${key}  ${i === 0 ? 'seals' : 'opens what it has sealed'}`);
  return [...lines, ...(missing.length === 0 ? [] : [`without the first: ${missing.join(', ')}`])].join('\n');
}

async function call(name: 'getKeys' | 'postKeysRotate', flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call(name, {}, { timeoutMs: TIMEOUT_MS }), textOf);
}

export const showKeys = (flags: ClientFlags, terminal: Terminal): Promise<void> => call('getKeys', flags, terminal);

export async function rotateKey(flags: ClientFlags, terminal: Terminal): Promise<void> {
  await call('postKeysRotate', flags, terminal);
  terminal.say('keep a copy of the key file as it is now: the store cannot be read without it');
}
