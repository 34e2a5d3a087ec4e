/** Which request of a client something is done for: its id in logs and in what other processes are asked, and its span where traces are sent. State: the scope of each chain of calls. */
import { AsyncLocalStorage } from 'node:async_hooks';

/** What a span says of itself. */
export type Attributes = Readonly<Record<string, string | number>>;

/** A span that has begun (OpenTelemetry, trace API). Times by Date.now(). */
export interface Span {
  readonly child: (name: string, attributes: Attributes, startMs?: number) => Span;
  /** `fault`: what it failed with. */
  readonly end: (fault?: unknown, endMs?: number) => void;
  /** W3C Trace Context: what another process continues it by. */
  readonly traceparent: string;
}

/** Begins the span of a request; `traceparent`: as the client has sent it. */
export type BeginSpan = (name: string, attributes: Attributes, traceparent: string | undefined) => Span;

interface Scope {
  readonly requestId: string;
  readonly span?: Span;
}

const scopes = new AsyncLocalStorage<Scope>();
let begin: BeginSpan | undefined;

/** From now on requests have spans; undefined: none. Nothing is loaded for them before. */
export function traceBy(how: BeginSpan | undefined): void {
  begin = how;
}

/** All that `act` does is for this request. */
export async function inRequest<T>(
  requestId: string,
  { name, attributes, traceparent }: { readonly name: string; readonly attributes: Attributes; readonly traceparent?: string | undefined },
  act: () => Promise<T>,
): Promise<T> {
  const span = begin?.(name, { ...attributes, 'arpanet.request_id': requestId }, traceparent);
  return await ending(span, () => scopes.run({ requestId, ...(span && { span }) }, act));
}

/** A part of the request: a span of its own below the present one, where there is one. */
export async function traced<T>(name: string, attributes: Attributes, act: () => Promise<T>): Promise<T> {
  const scope = scopes.getStore();
  if (scope?.span === undefined) return await act();
  const span = scope.span.child(name, attributes);
  return await ending(span, () => scopes.run({ ...scope, span }, act));
}

async function ending<T>(span: Span | undefined, act: () => Promise<T>): Promise<T> {
  if (span === undefined) return await act();
  try {
    const result = await act();
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

/** A part of the request that is over already. */
export function noteSpan(name: string, startMs: number, endMs: number): void {
  scopes.getStore()?.span?.child(name, {}, startMs).end(undefined, endMs);
}

/** The id of the request that this is done for; undefined: of none. */
export const requestNow = (): string | undefined => scopes.getStore()?.requestId;

/** What another process is sent of it, as headers of HTTP; empty: this is done for no request. */
export function requestHeaders(): Readonly<Record<string, string>> {
  const scope = scopes.getStore();
  if (scope === undefined) return {};
  return { 'Arpanet-Request-Id': scope.requestId, ...(scope.span && { traceparent: scope.span.traceparent }) };
}
