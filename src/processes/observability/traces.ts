/** Spans of requests, sent by OTLP/HTTP (OpenTelemetry protocol 1). Loaded only where somebody has asked for them. Effects: HTTP requests to the collector. */
import { type Context, ROOT_CONTEXT, type Span as OtelSpan, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { VERSION } from '../../config/version.ts';
import { type Attributes, type Span, traceBy } from '../../telemetry/request-scope.ts';

/** W3C Trace Context, section 3.2. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const QUEUE = 2_048;

/** Until its disposal, which sends what waits. `url`: such as `http://127.0.0.1:4318/v1/traces`. */
export function sendTraces(url: string, scheduler: string): AsyncDisposable {
  const processor = new BatchSpanProcessor(new OTLPTraceExporter({ url }), { maxQueueSize: QUEUE });
  const resource = resourceFromAttributes({
    'service.name': 'arpanet-scheduler',
    'service.instance.id': scheduler,
    'service.version': VERSION,
  });
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  const tracer = provider.getTracer('arpanet', VERSION);

  function start(name: string, attributes: Attributes, kind: SpanKind, parent: Context, startTime?: number): Span {
    const span = tracer.startSpan(name, { kind, attributes, ...(startTime !== undefined && { startTime }) }, parent);
    return {
      child: (below, more, startMs) => start(below, more, SpanKind.INTERNAL, trace.setSpan(ROOT_CONTEXT, span), startMs),
      end(fault, endMs) {
        if (fault !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: fault instanceof Error ? fault.message : 'failed' });
        span.end(endMs);
      },
      traceparent: traceparentOf(span),
    };
  }

  traceBy((name, attributes, traceparent) => start(name, attributes, SpanKind.SERVER, parentIn(traceparent)));
  return {
    async [Symbol.asyncDispose]() {
      traceBy(undefined);
      // a collector that does not answer keeps nobody from ending
      await provider.shutdown().catch(() => undefined);
    },
  };
}

function traceparentOf(span: OtelSpan): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function parentIn(traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  const isSampled = (Number.parseInt(flags ?? '0', 16) & TraceFlags.SAMPLED) !== 0;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  });
}
