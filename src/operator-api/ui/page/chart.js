// A host's load over the last hour, drawn from one number for each minute.
import { html } from './vendor.js';

const MINUTES = 60;
const [WIDE, HIGH] = [240, 60];
const x = (minute, count) => WIDE - ((count - 1 - minute) / (MINUTES - 1)) * WIDE;
const y = (percents) => HIGH - 1 - (percents / 100) * (HIGH - 2);
const lineOf = (points) =>
  points.map((value, at) => `${at === 0 ? 'M' : 'L'}${x(at, points.length).toFixed(1)} ${y(value).toFixed(1)}`).join('');

const mean = (points) => Math.round(points.reduce((sum, one) => sum + one, 0) / points.length);

/** `hour`: percents by minute, the oldest first. Nothing before there are two. */
export function hourChart({ cpu, memory } = { cpu: [], memory: [] }) {
  if (cpu.length < 2) return html`<p class="soft hour">the last hour: not known yet</p>`;
  const line = lineOf(cpu);
  const words = `the last ${cpu.length} minutes: CPU ${mean(cpu)} percent on average, ${Math.max(...cpu)} at most, memory ${memory.at(-1)} percent now`;
  return html`<svg class="hour" role="img" aria-label=${words} viewBox="0 0 ${WIDE} ${HIGH}" preserveAspectRatio="none">
    <path class="grid" d="M0 ${y(50)}H${WIDE}M0 ${HIGH - 0.5}H${WIDE}" />
    <path class="area" d="${line}L${WIDE} ${HIGH}L${x(0, cpu.length).toFixed(1)} ${HIGH}Z" />
    <path class="cpu" d=${line} /><path class="memory" d=${lineOf(memory)} />
  </svg>`;
}

export const hourLegend = () =>
  html`<p class="legend soft"><span class="key cpu"></span>CPU <span class="key memory"></span>memory, over the last hour</p>`;
