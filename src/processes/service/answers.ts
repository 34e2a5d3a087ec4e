/** Whether this scheduler's Docker API answers yet. Effects: requests to it, a timer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { shortRequest } from '../../engine/index.ts';
import { JOIN_NAME } from '../../security/index.ts';
import { formatHostPort } from '../../text/host-port.ts';

const AGAIN_MS = 200;
const TRY_MS = 5_000;
/** After this time what the API answers instead is the status: an administrator sees it, and nothing that waits for this service waits for ever. */
const PATIENCE_MS = 60_000;

/** Resolves with a line for `systemctl status` once a ping is answered, or with what is in its way. With TLS it asks for what may be asked without a certificate. */
export async function apiAnswers(
  listen: { readonly host: string; readonly port: number; readonly isTls?: boolean },
  signal: AbortSignal,
): Promise<string> {
  const host = listen.host === '0.0.0.0' ? '127.0.0.1' : listen.host === '::' ? '::1' : listen.host;
  const address = formatHostPort({ host, port: listen.port });
  const url = listen.isTls === true ? `https://${address}/arpanet/v1/ca` : `http://${address}/_ping`;
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const trouble = await ping(url);
    if (trouble === undefined) return `answers the Docker API at ${formatHostPort(listen)}`;
    if (signal.aborted || performance.now() > endMs) return `does not serve yet: ${trouble}`;
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** What is wrong, or undefined. */
async function ping(url: string): Promise<string | undefined> {
  try {
    const tls = { servername: JOIN_NAME, rejectUnauthorized: false };
    const { status, text } = await shortRequest({ url, signal: AbortSignal.timeout(TRY_MS), tls });
    return status < 500 ? undefined : text.trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
