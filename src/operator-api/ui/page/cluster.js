// The cluster and its hosts: what is off first, then a map of what runs where and how busy that is.
import { ask } from './actions.js';
import { hourChart, hourLegend } from './chart.js';
import { instanceTable } from './instances.js';
import { may } from './me.js';
import { bar, countOf, crumbs, isOff, missing, percent, size, state, stateClass, swatch, table, to } from './parts.js';
import { deployments, hosts, instances, instancesOn, rows } from './stream.js';
import { html } from './vendor.js';

const cluster = () => rows.get('cluster') ?? { warnings: [], notes: [], schedulers: [] };
/** A map shows no more of one host. */
const MOST_SWATCHES = 60;

/** How many of each deployment run there, in words. */
function byDeployment(mine) {
  const counts = new Map();
  for (const { service } of mine) counts.set(service.deployment, (counts.get(service.deployment) ?? 0) + 1);
  return [...counts].map(([deployment, count]) => `${deployment} ${count}`).join(' · ');
}

const cards = new Map();
/** Made again only where something of it has changed: preact leaves alone what it is given a second time. */
function hostCard(host) {
  const parts = [host, rows.get(`load/${host.name}`), instancesOn(host.name)];
  const had = cards.get(host.name);
  if (had !== undefined && parts.every((part, at) => part === had.parts[at])) return had.card;
  const card = drawnCard(...parts);
  cards.set(host.name, { parts, card });
  return card;
}

function drawnCard(host, hour, mine) {
  const { name, state: how, why, availability, running, cpus, cpuLoad, memoryBytes, memoryUsedBytes, reservedCores } = host;
  return html`<section class="card host" key=${name} aria-label="host ${name}">
    <div class="between"><a class="name" href=${to.host(name)}>${name}</a>
      <span>${availability === 'active' ? null : html`<span class="chip warn">${availability}</span>`} ${state(how, why === undefined ? stateClass(how) : 'bad')}</span></div>
    ${why === undefined ? null : html`<div class="bad">${why}</div>`}
    ${hourChart(hour)}
    <div class="meters">
      ${bar('CPU', cpuLoad)}
      ${bar('memory', memoryBytes > 0 && memoryUsedBytes !== undefined ? memoryUsedBytes / memoryBytes : undefined)}
      ${bar('reserved', cpus > 0 ? reservedCores / cpus : 0, `${reservedCores.toFixed(1)} of ${cpus}`)}
    </div>
    <div class="swatches">${mine.slice(0, MOST_SWATCHES).map((one) => swatch(one.service.deployment, isOff(one)))}</div>
    <div class="soft small">${running} running${mine.length === 0 ? '' : ` · ${byDeployment(mine)}`}</div>
  </section>`;
}

const trouble = ({ state: how, why }) => (how === 'alive' && why === undefined ? 1 : 0);
const map = () => html`<div class="cards">${[...hosts()].sort((a, b) => trouble(a) - trouble(b)).map(hostCard)}</div>`;

/** One figure with its words. */
const figure = (value, words, kind = '') =>
  html`<div class="card figure"><b class=${kind}>${value}</b><span class="soft">${words}</span></div>`;

function figures() {
  const all = hosts();
  const alive = all.filter((one) => one.state === 'alive');
  const sum = (list, of) => list.reduce((total, one) => total + (of(one) ?? 0), 0);
  const cpus = sum(alive, ({ cpus: own }) => own);
  const known = alive.some(({ cpuLoad }) => cpuLoad !== undefined);
  const memory = sum(alive, ({ memoryBytes }) => memoryBytes);
  const services = [...deployments().values()].flat();
  const [running, desired] = [sum(services, (one) => one.running + one.done), sum(services, (one) => one.desired)];
  return html`<div class="figures">
    ${figure(`${alive.length} of ${all.length}`, 'hosts alive', alive.length === all.length ? '' : 'bad')}
    ${figure(`${running} of ${desired}`, 'instances run', running >= desired ? '' : 'bad')}
    ${figure(known && cpus > 0 ? percent(sum(alive, ({ cpuLoad, cpus: own }) => (cpuLoad ?? 0) * own) / cpus) : '–', `of ${cpus} cores busy`)}
    ${figure(known && memory > 0 ? percent(sum(alive, ({ memoryUsedBytes }) => memoryUsedBytes) / memory) : '–', `of ${size(memory)} memory used`)}
  </div>`;
}

export function overview() {
  const { warnings, notes, leader, store } = cluster();
  return html`<h1>Cluster</h1>
    ${
      warnings.length === 0
        ? html`<p>${state('no problems', 'good')}</p>`
        : html`<section class="card problems" aria-label="problems"><b>${warnings.length === 1 ? '1 problem' : `${warnings.length} problems`}</b><ul>${warnings.map((one) => html`<li>${one}</li>`)}</ul></section>`
    }
    ${notes.length === 0 ? null : html`<ul class="soft notes">${notes.map((one) => html`<li>${one}</li>`)}</ul>`}
    ${figures()}
    <div class="between"><h2>Hosts</h2>${hourLegend()}</div>${map()}
    <h2>Deployments</h2>
    ${table(
      ['deployment', 'services', 'instances'],
      [...deployments()].map(([name, mine]) => {
        const sum = (field) => mine.reduce((total, one) => total + one[field], 0);
        return {
          key: name,
          cells: [
            html`${swatch(name)} <a href=${to.deployment(name)}>${name}</a>`,
            mine.map((one, at) => html`${at > 0 ? ', ' : ''}<a href=${to.service(one)}>${one.service}</a>`),
            countOf({ running: sum('running'), desired: sum('desired'), done: sum('done'), isHeld: true }),
          ],
        };
      }),
      'no deployments yet: docker compose up -d, or arpanet deploy',
    )}
    <p class="soft small">${leader === undefined ? '' : `led by ${leader.name} (epoch ${leader.epoch}), state: ${store}`}</p>`;
}

export const hostsView = () =>
  html`<div class="between"><h1>Hosts</h1>${may('all') ? html`<button onClick=${ask.rebalance}>Rebalance…</button>` : null}</div>${hourLegend()}${map()}`;

export function hostView({ name }) {
  const host = rows.get(`host/${name}`);
  if (host === undefined) return missing(`no host ${name}`);
  const mine = instancesOn(name);
  const { address, engine, apiVersion, agent, cpus, memoryBytes, memoryUsedBytes, encryption, labels } = host;
  const facts = [
    ['address', address],
    ['Docker', `${engine || '–'}, API ${apiVersion || '–'}`],
    ['agent', agent || '–'],
    ['size', `${cpus} cores, ${size(memoryBytes)}`],
    ['memory used', memoryUsedBytes === undefined ? '–' : `${size(memoryUsedBytes)} of ${size(memoryBytes)}`],
    ['encrypts by', encryption ?? '–'],
    ['labels', Object.entries(labels).map(([label, value]) => html`<span class="chip">${label}=${value}</span> `)],
  ];
  return html`${crumbs(['Hosts', '/ui/hosts'])}
    <div class="between"><h1>Host ${name}</h1>
      ${
        may('all')
          ? host.availability === 'active'
            ? html`<button onClick=${() => ask.drain(host, mine)}>Drain…</button>`
            : html`<button class="main" onClick=${() => ask.activate(host)}>Activate…</button>`
          : null
      }</div>
    <div class="cards wide">${hostCard(host)}
      <dl class="card facts">${facts.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl></div>
    ${hourLegend()}
    <h2>Runs here</h2>${instanceTable(mine)}`;
}

const wanted = { text: '' };
let changed = () => undefined;
export function onInstances(listener) {
  changed = listener;
}

/** All that runs, as a list that can be narrowed. */
export function instancesView() {
  const words = wanted.text.toLowerCase();
  const found =
    words === ''
      ? instances()
      : instances().filter((one) =>
          `${one.name} ${one.host} ${one.state} ${one.image} ${one.addresses.join(' ')}`.toLowerCase().includes(words),
        );
  return html`<h1>Instances</h1>
    <div class="row"><label>narrow to <input type="search" value=${wanted.text} onInput=${({ target }) => ((wanted.text = target.value), changed())} placeholder="name, host, state, image, address" /></label>
      <span class="soft" role="status">${found.length} of ${instances().length}</span></div>
    ${instanceTable(found)}`;
}
