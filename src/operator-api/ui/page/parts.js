// Small parts that views are made of.
import { deployments, madeOf } from './stream.js';
import { html } from './vendor.js';

const enc = encodeURIComponent;
export const to = {
  host: (name) => `/ui/hosts/${enc(name)}`,
  deployment: (name) => `/ui/deployments/${enc(name)}`,
  service: ({ deployment, service }) => `/ui/services/${enc(deployment)}/${enc(service)}`,
  instance: (name) => `/ui/instances/${enc(name)}`,
  network: (name) => `/ui/networks/${enc(name)}`,
  terminal: (name) => `/ui/terminal/${enc(name)}`,
  logs: (of) => `/ui/logs?of=${enc(of)}`,
};

export const size = (bytes) => {
  if (bytes === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)));
  const value = bytes / 1024 ** step;
  return `${value >= 100 || step === 0 ? Math.round(value) : value.toFixed(1)} ${units[step]}`;
};

export const percent = (share) => (share === undefined ? '–' : `${Math.round(share * 100)} %`);

/** A share from 0 to 1, with a word for who cannot see it. Red where nearly all of it is used up, unless `isPlain`. */
export function bar(label, share, text, isPlain = false) {
  const width = Math.max(0, Math.min(1, share ?? 0)) * 100;
  return html`<div class="meter">
    <span class="between"><span class="soft">${label}</span><span>${text ?? percent(share)}</span></span>
    <svg class="bar" role="img" aria-label="${label}: ${Math.round(width)} percent" preserveAspectRatio="none" viewBox="0 0 100 6">
      <rect class="back" width="100" height="6" /><rect class=${share > 0.9 && !isPlain ? 'over' : 'fill'} width=${width} height="6" />
    </svg>
  </div>`;
}

/** `lines`: {key, cells}. */
export function table(heads, lines, empty = 'none') {
  if (lines.length === 0) return html`<p class="soft">${empty}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${`table of ${heads.join(', ')}`}><table>
    <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
    <tbody>${lines.map(({ key, cells }) => html`<tr key=${key}>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

export const stateClass = (state) => (state === 'alive' ? 'good' : state === 'down' ? 'bad' : 'warn');

/** A word with a dot before it, as good, to be looked at, or bad. */
export const state = (text, kind) => html`<span class="state ${kind}"><span class="dot" aria-hidden="true"></span>${text}</span>`;

export const isOff = ({ state: text, health }) => health === 'unhealthy' || !/^(?:Up|Exited \(0\))/.test(text);
export const instanceState = (one) =>
  state(one.state, isOff(one) ? (/^host is|unhealthy/.test(`${one.state} ${one.health}`) ? 'bad' : 'warn') : 'good');

export function countOf({ running, desired, done, isHeld }) {
  const isFull = running + done >= desired;
  return state(`${running} of ${desired}`, isFull || !isHeld ? 'good' : 'bad');
}

const COLOURS = 8;
const places = madeOf('service', () => new Map([...deployments().keys()].map((name, at) => [name, at % COLOURS])));
/** The colour that a deployment has everywhere. */
export const swatch = (deployment, isBad = false) =>
  html`<i class="swatch c${places().get(deployment) ?? 0} ${isBad ? 'off' : ''}" aria-hidden="true"></i>`;

export const crumbs = (...links) =>
  html`<p class="crumbs">${links.map(([text, path], at) => html`${at > 0 ? ' / ' : ''}<a href=${path}>${text}</a>`)}</p>`;

export const missing = (text) => html`<h1>Not here</h1><p>${text}</p>`;
export const note = (text) => html`<p class="soft">${text}</p>`;
