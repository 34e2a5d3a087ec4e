/**
 * Job: access to one Docker Engine. In: where it is (socket, TCP, or another host's gateway). Out: answers, streams, events.
 * Invariants: an Engine's refusal keeps its status and message (kind `engine`); without an answer the error is `unavailable` or `timeout`;
 * nothing is buffered except what engineRequest and engineJson read whole.
 */
export { isBearer } from './bearer.ts';
export { clusterClient } from './cluster-client.ts';
export { dockerFor } from './client.ts';
export { createEventDedup } from './event-dedup.ts';
export { type ExecAccess, runToEnd } from './exec.ts';
export { engineEvents } from './events.ts';
export { factsDigest, listDigest, snapshotDigest } from './facts-digest.ts';
export { reset, watchHalfOpen } from './half-open.ts';
export { lines } from './lines.ts';
export { LogLines, type LogLine } from './log-lines.ts';
export { HIGH_WATER_MARK_BYTES, MOVED, reuseReadBuffer } from './reused-read-buffer.ts';
export {
  engineError,
  engineJson,
  engineOpen,
  engineRequest,
  engineTarget,
  type EngineAnswer,
  type EngineCall,
} from './request.ts';
export { eventIdentity, shownEvent } from './shown-events.ts';
export { addressIn, shortRequest } from './short-request.ts';
export { splice } from './splice.ts';
export { failureIn, pullPath } from './work-stream.ts';
export { tarOf } from './tar.ts';
export { createEngineAgent, openTunnel, splitHostPort, type EngineAgent } from './tunnel.ts';
export { dial, dialTls, dialUnix, handshakeFault, openUpgrade, readMessage } from './upgrade.ts';
