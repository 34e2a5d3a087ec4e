// What the cluster is now, kept by one stream for all tabs of this browser (a shared worker holds it: HTTP/1.1 has six connections), or by a stream
// of this tab where there are no shared workers.
import { open } from './source.js';

/** By key: host/h1, load/h1, service/abc/web, network/ID, cluster. */
export const rows = new Map();
export const happened = [];
export const link = { isUp: false };

const MOST_EVENTS = 500;
const listeners = new Set();
/** How often rows of a kind have changed: what is made of them is made once for each time. */
const turns = new Map();
const turnOf = (kind) => turns.get(kind) ?? 0;
const kindOf = (key) => key.split('/', 1)[0];

/** Calls the function after each change; returns what ends that. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function take(message) {
  if (message.kind === 'link') link.isUp = message.isUp;
  if (message.kind === 'rows') {
    const changed = new Set([...(message.whole ? rows.keys() : message.gone), ...Object.keys(message.set)].map(kindOf));
    if (message.whole) rows.clear();
    for (const [key, row] of Object.entries(message.set)) rows.set(key, row);
    for (const key of message.gone) rows.delete(key);
    for (const kind of changed) turns.set(kind, turnOf(kind) + 1);
  }
  if (message.kind === 'event') {
    happened.push(message.event);
    if (happened.length > MOST_EVENTS) happened.shift();
  }
  // all that the others know, once for a tab that joins them, or comes back
  if (message.kind === 'events') happened.splice(0, happened.length, ...message.events);
  for (const listener of listeners) listener();
}

/** What `make` makes of the rows of a kind, made again when they have changed. */
export function madeOf(kind, make) {
  let turn;
  let made;
  return () => {
    if (turn !== turnOf(kind)) [turn, made] = [turnOf(kind), make()];
    return made;
  };
}

const byNumber = new Intl.Collator('en', { numeric: true });
const listOf = (kind) =>
  madeOf(kind, () =>
    [...rows]
      .filter(([key]) => kindOf(key) === kind)
      .sort(([a], [b]) => byNumber.compare(a, b))
      .map(([, row]) => row),
  );

export const hosts = listOf('host');
export const services = listOf('service');
export const networks = listOf('network');

/** Every instance with its service. */
export const instances = madeOf('service', () => services().flatMap((service) => service.instances.map((one) => ({ ...one, service }))));

const groups = madeOf('service', () => {
  const found = new Map();
  for (const one of instances()) {
    const mine = found.get(one.host);
    if (mine === undefined) found.set(one.host, [one]);
    else mine.push(one);
  }
  return found;
});
const NONE = [];
export const instancesOn = (host) => groups().get(host) ?? NONE;

/** Names of deployments with their services. */
export const deployments = madeOf('service', () => {
  const found = new Map();
  for (const one of services()) found.set(one.deployment, [...(found.get(one.deployment) ?? []), one]);
  return found;
});

/** Opens the stream anew, for all tabs. */
export let again = () => undefined;

/** A worker that has said nothing for this long did not begin: its first word needs no server. */
const SILENT_MS = 5_000;

export function connect() {
  if (typeof SharedWorker !== 'function') return connectAlone();
  const { port } = new SharedWorker('/ui/worker.js', 'arpanet');
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
