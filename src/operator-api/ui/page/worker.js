// Holds the stream for all tabs: a new tab gets what is known at once.
import { open } from './source.js';

const ports = new Set();
const rows = new Map();
const events = [];
let isUp = false;

function keep(message) {
  if (message.kind === 'link') isUp = message.isUp;
  if (message.kind === 'event') {
    events.push(message);
    if (events.length > 500) events.shift();
  }
  if (message.kind === 'rows') {
    if (message.whole) rows.clear();
    for (const [key, row] of Object.entries(message.set)) rows.set(key, row);
    for (const key of message.gone) rows.delete(key);
  }
  for (const port of ports) port.postMessage(message);
}

let source;
self.onconnect = ({ ports: [port] }) => {
  ports.add(port);
  port.onmessage = ({ data }) => {
    if (data !== 'bye') return;
    ports.delete(port);
    if (ports.size > 0) return;
    source?.close();
    source = undefined;
    rows.clear();
  };
  port.start();
  port.postMessage({ kind: 'link', isUp });
  if (rows.size > 0) port.postMessage({ kind: 'rows', whole: true, set: Object.fromEntries(rows), gone: [] });
  for (const event of events) port.postMessage(event);
  source ??= open(keep);
};
