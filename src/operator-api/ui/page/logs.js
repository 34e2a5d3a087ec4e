// Logs of an instance or of all instances of a service in one stream, which can be searched.
import { logOf } from './api.js';
import { html } from './vendor.js';
import { all, instances } from './stream.js';

const MOST_LINES = 5_000;
/** A browser has six connections to one scheduler: the others are for what a person does meanwhile. */
const MOST_FOLLOWED = 3;

const shown = { of: undefined, lines: [], wanted: '', controller: undefined, error: undefined };
let changed = () => undefined;
export function onLogs(listener) {
  changed = listener;
}

export function endLogs() {
  shown.controller?.abort();
  Object.assign(shown, { of: undefined, lines: [], controller: undefined, error: undefined });
}

let isDue = false;
function soon() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    shown.lines.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    shown.lines.splice(0, shown.lines.length - MOST_LINES);
    changed();
  }, 100);
}

function begin(of) {
  endLogs();
  const controller = new AbortController();
  Object.assign(shown, { of, controller });
  const mine = instances().filter(
    (one) => one.name === of || `${one.service.deployment}/${one.service.service}` === of || one.service.deployment === of,
  );
  const follow = mine.length <= MOST_FOLLOWED;
  const run = async ({ id, name }) => {
    for await (const line of logOf(id, { follow, tail: 200 }, controller.signal)) {
      const cut = line.indexOf(' ');
      shown.lines.push({ time: line.slice(0, cut), name, text: line.slice(cut + 1) });
      soon();
    }
  };
  // one after the other where they are not followed
  const failed = (error) => {
    if (controller.signal.aborted) return;
    shown.error = error.message;
    soon();
  };
  if (follow) for (const one of mine) run(one).catch(failed);
  else
    (async () => {
      for (const one of mine) await run(one);
    })().catch(failed);
  return mine.length;
}

export function logsView() {
  const of = new URLSearchParams(location.search).get('of') ?? '';
  if (of !== '' && of !== shown.of && all('service/').length > 0) begin(of);
  const wanted = shown.wanted.toLowerCase();
  const lines = shown.lines.filter(({ name, text }) => wanted === '' || text.toLowerCase().includes(wanted) || name.includes(wanted));
  return html`<h1>Logs ${of}</h1>
    <div class="row">
      <label>of <select value=${of} onChange=${({ target }) => dispatchEvent(new CustomEvent('go', { detail: `/ui/logs?of=${encodeURIComponent(target.value)}` }))}>
        <option value="">choose…</option>
        ${all('service/').map(({ deployment, service }) => html`<option value=${`${deployment}/${service}`}>${deployment}/${service}</option>`)}
        ${instances().map(({ name }) => html`<option value=${name}>${name}</option>`)}
      </select></label>
      <label>search <input type="search" value=${shown.wanted} onInput=${({ target }) => ((shown.wanted = target.value), changed())} /></label>
      <span class="soft">${lines.length} lines</span>
    </div>
    ${shown.error === undefined ? null : html`<p class="bad">${shown.error}</p>`}
    <pre role="region" aria-label="log" tabindex="0">${lines.slice(-1000).map(({ time, name, text }) => html`<div key=${time + name}><span class="soft">${time.slice(11, 19)} ${name} </span>${text}</div>`)}</pre>`;
}
