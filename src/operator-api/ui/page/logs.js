// Logs of one, many or all instances in one stream, which can be searched. One connection brings them all, however many there are.
import { logs } from './api.ts';
import { deployments, instances, services } from './stream.js';
import { swatch, to } from './parts.js';
import { html } from './vendor.js';

const MOST_LINES = 5_000;
/** So many are drawn, the newest. */
const MOST_SHOWN = 1_000;
/** The scheduler follows no more at once. */
const MOST_FOLLOWED = 200;
const EVERYTHING = '*';
/** Lines of before, of all together and of each at least. */
const [BEFORE, LEAST_BEFORE] = [2_000, 10];
const AGAIN_MS = 1_000;

const shown = {
  of: undefined,
  lines: [],
  wanted: '',
  controller: undefined,
  error: undefined,
  isPaused: false,
  instances: new Set(),
  isFollowed: true,
};
let changed = () => undefined;
export function onLogs(listener) {
  changed = listener;
}

export function endLogs() {
  shown.controller?.abort();
  Object.assign(shown, { of: undefined, lines: [], controller: undefined, error: undefined, isPaused: false, instances: new Set() });
}

let isDue = false;
function soon() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    shown.lines.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.at - b.at));
    shown.lines.splice(0, shown.lines.length - MOST_LINES);
    if (!shown.isPaused) changed();
  }, 100);
}

const isOf = (one, of) =>
  of === EVERYTHING || one.name === of || `${one.service.deployment}/${one.service.service}` === of || one.service.deployment === of;
const asked = () => new URLSearchParams(location.search).getAll('of').filter((one) => one !== '');
const addressOf = (list) => `/ui/logs${list.length === 0 ? '' : `?${list.map((one) => `of=${encodeURIComponent(one)}`).join('&')}`}`;
const go = (list) => dispatchEvent(new CustomEvent('go', { detail: addressOf(list) }));

let at = 0;
function push(line) {
  shown.lines.push({ ...line, at: at++ });
  shown.instances.add(line.instance);
}

/** Goes on after a lost connection: the lines that are known are not shown a second time. */
async function begin(key, list) {
  endLogs();
  const controller = new AbortController();
  Object.assign(shown, { of: key, controller });
  const mine = instances().filter((one) => list.some((of) => isOf(one, of)));
  const tail = Math.max(LEAST_BEFORE, Math.floor(BEFORE / Math.max(mine.length, 1)));
  const of = list.includes(EVERYTHING) ? [] : list;
  const follow = mine.length <= MOST_FOLLOWED;
  shown.isFollowed = follow;
  const last = new Map();
  while (!controller.signal.aborted) {
    try {
      shown.error = undefined;
      for await (const line of logs({ of, tail, follow }, controller.signal)) {
        if (line.error !== undefined) push({ ...line, time: new Date().toISOString(), text: `not read: ${line.error}`, isFault: true });
        else if (line.time > (last.get(line.container) ?? '')) {
          last.set(line.container, line.time);
          push(line);
        }
        soon();
      }
      if (!follow) return;
    } catch (error) {
      if (controller.signal.aborted) return;
      shown.error = error.message;
      changed();
      if (error.status !== undefined && error.status < 500) return;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** A line with what was looked for marked in it. */
function marked(text, wanted) {
  if (wanted === '') return text;
  const parts = [];
  const lower = text.toLowerCase();
  let from = 0;
  for (let found = lower.indexOf(wanted); found !== -1; found = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, found), html`<mark>${text.slice(found, found + wanted.length)}</mark>`);
    from = found + wanted.length;
  }
  return [...parts, text.slice(from)];
}

const choices = () => [
  [EVERYTHING, 'all instances'],
  ...[...deployments().keys()].map((name) => [name, name]),
  ...services().map(({ deployment, service }) => [`${deployment}/${service}`, `${deployment}/${service}`]),
  ...instances().map(({ name }) => [name, name]),
];

export function logsView() {
  const list = asked();
  const key = list.join(' ');
  if (key === '' && shown.of !== undefined) endLogs();
  if (key !== '' && key !== shown.of && services().length > 0) begin(key, list).catch(() => undefined);
  const wanted = shown.wanted.toLowerCase();
  const lines = shown.lines.filter(
    ({ instance, text }) => wanted === '' || text.toLowerCase().includes(wanted) || instance.includes(wanted),
  );
  const add = ({ target }) => target.value !== '' && go([...new Set([...list, target.value])]);
  const pause = () => {
    shown.isPaused = !shown.isPaused;
    changed();
  };
  return html`<h1>Logs</h1>
    <div class="row">
      ${list.map((one) => html`<span class="chip" key=${one}>${one === EVERYTHING ? 'all instances' : one} <button class="bare" aria-label="without ${one}" onClick=${() => go(list.filter((other) => other !== one))}>×</button></span>`)}
      <label>${list.length === 0 ? 'of' : 'and of'} <select value="" onChange=${add}>
        <option value="">choose…</option>
        ${choices().map(([value, words]) => (list.includes(value) ? null : html`<option value=${value}>${words}</option>`))}
      </select></label>
      <label>search <input type="search" value=${shown.wanted} onInput=${({ target }) => ((shown.wanted = target.value), changed())} /></label>
      ${shown.of === undefined ? null : html`<button aria-pressed=${shown.isPaused} onClick=${pause}>${shown.isPaused ? 'Go on' : 'Hold'}</button>`}
      <span class="soft" role="status">${lines.length} lines${shown.of === undefined ? '' : ` of ${shown.instances.size} instances`}${shown.isFollowed ? '' : `, not followed: they are more than ${MOST_FOLLOWED}`}</span>
    </div>
    ${shown.error === undefined ? null : html`<p class="bad" role="alert">${shown.error}</p>`}
    <pre class="log" role="region" aria-label="log" tabindex="0"><div>${lines
      .slice(-MOST_SHOWN)
      .map(
        ({ at: key, time, instance, deployment, text, stream, isFault }) =>
          html`<div key=${key} class=${isFault ? 'bad' : ''}><span class="soft">${time.slice(11, 19)}</span> ${swatch(deployment)} <a href=${to.instance(instance)}>${instance}</a> <span class=${stream === 'stderr' ? 'warn' : ''}>${marked(text, wanted)}</span></div>`,
      )}</div></pre>`;
}
