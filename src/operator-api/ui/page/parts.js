// Small parts that views are made of.
import { html } from './vendor.js';

const enc = encodeURIComponent;
export const to = {
  host: (name) => `/ui/hosts/${enc(name)}`,
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

/** A share from 0 to 1, with a word for who cannot see it. Red where nearly all of it is used up, unless `isPlain`. */
export function bar(label, share, text, isPlain = false) {
  const width = Math.max(0, Math.min(1, share ?? 0)) * 100;
  return html`<div>
    <span class="row"><span class="soft">${label}</span><span>${text ?? (share === undefined ? '–' : `${Math.round(share * 100)} %`)}</span></span>
    <svg class="bar" role="img" aria-label="${label}: ${Math.round(width)} percent" preserveAspectRatio="none" viewBox="0 0 100 8">
      <rect class="back" width="100" height="8" /><rect class=${share > 0.9 && !isPlain ? 'over' : 'fill'} width=${width} height="8" />
    </svg>
  </div>`;
}

/** The load since this page knows it. */
export function spark(points = []) {
  if (points.length < 2) return null;
  const path = points.map((value, at) => `${at === 0 ? 'M' : 'L'}${(at / (points.length - 1)) * 100} ${35 - value * 34}`).join(' ');
  return html`<svg class="spark" viewBox="0 0 100 36" preserveAspectRatio="none" aria-hidden="true"><path d=${path} /></svg>`;
}

export function table(heads, lines, empty = 'none') {
  if (lines.length === 0) return html`<p class="soft">${empty}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${`table of ${heads.join(', ')}`}><table>
    <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
    <tbody>${lines.map(({ key, cells }) => html`<tr key=${key}>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

export const stateClass = (state) => (state === 'alive' ? 'good' : state === 'down' ? 'bad' : 'warn');

export function countOf({ running, desired, done, isHeld }) {
  const isFull = running + done >= desired;
  return html`<span class=${isFull || !isHeld ? 'good' : 'bad'}>${running} of ${desired}</span>`;
}
