// Holds the stream for all tabs: a new tab gets what is known at once.
import { open } from './source.js';

const MOST_EVENTS = 500;
const ports = new Set();
const rows = new Map();
const events = [];
let isUp = false;
let source;

function keep(message) {
  if (message.kind === 'link') isUp = message.isUp;
  if (message.kind === 'event') {
    events.push(message);
    if (events.length > MOST_EVENTS) events.shift();
  }
  if (message.kind === 'rows') {
    if (message.whole) rows.clear();
    for (const [key, row] of Object.entries(message.set)) rows.set(key, row);
    for (const key of message.gone) rows.delete(key);
  }
  for (const port of ports) port.postMessage(message);
}

function join(port) {
  ports.add(port);
  port.postMessage({ kind: 'link', isUp });
  if (rows.size > 0) port.postMessage({ kind: 'rows', whole: true, set: Object.fromEntries(rows), gone: [] });
  port.postMessage({ kind: 'events', events: events.map(({ event }) => event) });
  source ??= open(keep);
}

function leave(port) {
  ports.delete(port);
  if (ports.size > 0) return;
  source?.close();
  source = undefined;
  isUp = false;
  rows.clear();
}

self.onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => {
    if (data === 'bye') leave(port);
    else if (data === 'again') source?.again();
    else join(port);
  };
  port.start();
};
