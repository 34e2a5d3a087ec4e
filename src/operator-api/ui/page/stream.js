// What the cluster is now, kept by one stream for all tabs of this browser (a shared worker holds it: HTTP/1.1 has six connections), or by a stream
// of this tab where there are no shared workers.
import { open } from './source.js';

/** By key: host/h1, service/abc/web, network/ID, cluster. */
export const rows = new Map();
export const happened = [];
export const load = new Map();
export const link = { isUp: false };

const MOST_EVENTS = 500;
const MOST_POINTS = 360;
const listeners = new Set();

/** Calls the function after each change; returns what ends that. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function take(message) {
  if (message.kind === 'link') link.isUp = message.isUp;
  if (message.kind === 'rows') {
    if (message.whole) rows.clear();
    for (const [key, row] of Object.entries(message.set)) rows.set(key, row);
    for (const key of message.gone) rows.delete(key);
    for (const host of all('host/')) remember(host);
  }
  if (message.kind === 'event') {
    happened.push(message.event);
    if (happened.length > MOST_EVENTS) happened.shift();
  }
  // all that the others know, once for a tab that joins them, or comes back
  if (message.kind === 'events') happened.splice(0, happened.length, ...message.events);
  for (const listener of listeners) listener();
}

function remember({ name, cpuLoad }) {
  if (cpuLoad === undefined) return;
  const points = load.get(name) ?? [];
  points.push(cpuLoad);
  if (points.length > MOST_POINTS) points.shift();
  load.set(name, points);
}

/** Rows whose key begins so, by key. */
export function all(prefix) {
  return [...rows]
    .filter(([key]) => key.startsWith(prefix))
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([, row]) => row);
}

/** Every instance with its service. */
export function instances() {
  return all('service/').flatMap((service) => service.instances.map((one) => ({ ...one, service })));
}

/** Opens the stream anew, for all tabs. */
export let again = () => undefined;

/** A worker that has said nothing for this long did not begin: its first word needs no server. */
const SILENT_MS = 5_000;

export function connect() {
  if (typeof SharedWorker !== 'function') return connectAlone();
  const { port } = new SharedWorker('/ui/worker.js', { type: 'module', name: 'arpanet' });
  const silent = setTimeout(() => {
    port.close();
    connectAlone();
  }, SILENT_MS);
  port.onmessage = ({ data }) => {
    clearTimeout(silent);
    take(data);
  };
  port.start();
  port.postMessage('hello');
  again = () => port.postMessage('again');
  addEventListener('pagehide', () => port.postMessage('bye'));
  // a browser that goes back may show the page as it left it
  addEventListener('pageshow', ({ persisted }) => persisted && port.postMessage('hello'));
}

function connectAlone() {
  const source = open(take);
  again = () => source.again();
}
