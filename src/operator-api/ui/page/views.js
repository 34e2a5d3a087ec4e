// What each address shows. Views are functions of what is known now.
import { html } from './vendor.js';
import { ask } from './actions.js';
import { kept } from './kept.js';
import { may } from './me.js';
import { logsView } from './logs.js';
import { auditView, doctorView, imagesView, operationsView, volumesView } from './look.js';
import { bar, countOf, size, spark, stateClass, table, to } from './parts.js';
import { all, happened, instances, load, rows } from './stream.js';

const cluster = () => rows.get('cluster') ?? { warnings: [], notes: [], schedulers: [] };

function hostCard(host) {
  const { name, state, why, availability, running, cpus, cpuLoad, memoryBytes, memoryUsedBytes, reservedCores } = host;
  const byDeployment = new Map();
  for (const one of instances())
    if (one.host === name) byDeployment.set(one.service.deployment, (byDeployment.get(one.service.deployment) ?? 0) + 1);
  return html`<section class="card" key=${name} aria-label="host ${name}">
    <div class="row"><a href=${to.host(name)}><b>${name}</b></a><span class=${stateClass(state)}>${state}</span>
      ${availability === 'active' ? null : html`<span class="warn">${availability}</span>`}</div>
    ${why === undefined ? null : html`<div class="bad">${why}</div>`}
    ${bar('CPU', cpuLoad)} ${spark(load.get(name))}
    ${bar('memory', memoryBytes > 0 && memoryUsedBytes !== undefined ? memoryUsedBytes / memoryBytes : undefined, `${size(memoryUsedBytes)} of ${size(memoryBytes)}`)}
    ${bar('reserved', cpus > 0 ? reservedCores / cpus : 0, `${reservedCores.toFixed(1)} of ${cpus} cores`)}
    <div class="soft">${running} running${[...byDeployment].map(([deployment, count]) => ` · ${deployment} ${count}`).join('')}</div>
  </section>`;
}

function overview() {
  const { warnings, notes, leader, store } = cluster();
  const services = all('service/');
  const deployments = [...new Set(services.map(({ deployment }) => deployment))];
  return html`<h1>Cluster</h1>
    ${
      warnings.length === 0
        ? html`<p class="good">no problems</p>`
        : html`<section class="card problems" aria-label="problems"><b>${warnings.length} problems</b><ul>${warnings.map((one) => html`<li>${one}</li>`)}</ul></section>`
    }
    ${notes.length === 0 ? null : html`<ul class="soft">${notes.map((one) => html`<li>${one}</li>`)}</ul>`}
    <h2>Hosts</h2><div class="cards">${all('host/').map(hostCard)}</div>
    <h2>Deployments</h2>
    ${table(
      ['deployment', 'services', 'instances'],
      deployments.map((name) => {
        const mine = services.filter(({ deployment }) => deployment === name);
        const sum = (field) => mine.reduce((total, one) => total + one[field], 0);
        return {
          key: name,
          cells: [
            name,
            mine.map((one, at) => html`${at > 0 ? ', ' : ''}<a href=${to.service(one)}>${one.service}</a>`),
            countOf({ running: sum('running'), desired: sum('desired'), done: sum('done'), isHeld: true }),
          ],
        };
      }),
      'no deployments yet: docker compose up -d, or arpanet deploy',
    )}
    <p class="soft">${leader === undefined ? '' : `led by ${leader.name} (epoch ${leader.epoch}), state in ${store}`}</p>`;
}

const instanceTable = (list) =>
  table(
    ['instance', 'host', 'state', 'health', 'address', 'image'],
    list.map(({ name, host, state, health, addresses, image }) => ({
      key: name,
      cells: [
        html`<a href=${to.instance(name)}>${name}</a>`,
        html`<a href=${to.host(host)}>${host}</a>`,
        state,
        health ?? '–',
        addresses.join(', '),
        image,
      ],
    })),
    'no instances',
  );

function hostView({ name }) {
  const host = rows.get(`host/${name}`);
  if (host === undefined) return missing(`no host ${name}`);
  const mine = instances().filter((one) => one.host === name);
  return html`<h1>Host ${name}</h1>
    ${
      may('all')
        ? html`<div class="row">${
            host.availability === 'active'
              ? html`<button onClick=${() => ask.drain(host, mine)}>Drain…</button>`
              : html`<button class="main" onClick=${() => ask.activate(host)}>Activate…</button>`
          }</div>`
        : null
    }
    <div class="cards"><div>${hostCard(host)}</div>
      <div class="card"><b>${host.address}</b><br />Docker ${host.engine}, API ${host.apiVersion}, agent ${host.agent}<br />
        ${Object.entries(host.labels).map(([label, value]) => html`<span class="soft">${label}=${value} </span>`)}</div></div>
    <h2>Runs here</h2>${instanceTable(mine)}`;
}

function servicesView() {
  return html`<h1>Services</h1>
    ${table(
      ['service', 'running', 'image', 'update'],
      all('service/').map((one) => ({
        key: `${one.deployment}/${one.service}`,
        cells: [
          html`<a href=${to.service(one)}>${one.deployment}/${one.service}</a>`,
          countOf(one),
          one.image,
          one.trouble === undefined ? (one.update ?? '') : html`<span class="bad">${one.trouble}</span>`,
        ],
      })),
      'no services yet',
    )}`;
}

function serviceView({ deployment, service }) {
  const found = rows.get(`service/${deployment}/${service}`);
  if (found === undefined) return missing(`no service ${deployment}/${service}`);
  const reference = `${deployment}/${service}`;
  return html`<h1>${reference}</h1>
    <div class="row"><span>${countOf(found)} · ${found.image} ${found.update ?? ''}</span>
      ${may('change') ? serviceButtons(found) : null}
      <a href=${to.logs(reference)}>logs</a></div>
    ${found.trouble === undefined ? null : html`<p class="bad">${found.trouble}</p>`}
    <h2>Instances</h2>${instanceTable(found.instances)}`;
}

const serviceButtons = (service) => html`
  ${service.isGlobal ? null : html`<button onClick=${() => ask.scale(service)}>Scale…</button>`}
  <button onClick=${() => ask.update(service)}>Update…</button>
  ${service.isHeld ? html`<button onClick=${() => ask.rollback(service)}>Roll back…</button>` : null}
  <button onClick=${() => ask.restart(service)}>Restart…</button>
  <button class="danger" onClick=${() => ask.remove(service)}>Remove…</button>`;

function instanceView({ name }) {
  const found = instances().find((one) => one.name === name);
  const { value: why, error } = kept(`/explain/${encodeURIComponent(name)}`);
  if (found === undefined && why === undefined) return missing(error ?? `no instance ${name}`);
  const scores = (why?.scored ?? []).map(({ score }) => score);
  const [least, best] = [Math.min(...scores), Math.max(...scores)];
  const shareOf = (score) => (best === least ? 1 : 0.1 + (0.9 * (score - least)) / (best - least));
  return html`<h1>${name}</h1>
    ${
      found === undefined
        ? null
        : html`<p>${found.state} on <a href=${to.host(found.host)}>${found.host}</a>, of
          ${' '}<a href=${to.service(found.service)}>${found.service.deployment}/${found.service.service}</a>, ${found.addresses.join(', ')}, ${found.image} · <a href=${to.logs(name)}>logs</a></p>
          ${may('change') ? html`<div class="row"><a class="button" href=${to.terminal(name)} target="_blank">Terminal</a><a class="button" href=${`${to.terminal(name)}?attach`} target="_blank">Attach</a></div>` : null}`
    }
    <h2>Why here</h2>
    ${
      why === undefined
        ? html`<p class="soft">${error ?? 'asking…'}</p>`
        : html`<p class="soft">strategy ${why.strategy}, ${new Date(why.atMs).toLocaleString()}</p>
          ${table(
            ['host', 'score', 'figures'],
            why.scored.map(({ host, score, figures }) => ({
              key: host,
              cells: [
                html`${host === why.host ? '→ ' : ''}<a href=${to.host(host)}>${host}</a>`,
                bar(host === why.host ? 'chosen' : 'fitted', shareOf(score), String(Math.round(score * 100) / 100), true),
                Object.entries(figures)
                  .map(([figure, value]) => `${figure} ${Math.round(value * 100) / 100}`)
                  .join(' · '),
              ],
            })),
            'no host fitted',
          )}
          <h2>Refused</h2>${table(
            ['host', 'rule', 'why'],
            why.refused.map(({ host, rule, why: reason }) => ({ key: host + rule, cells: [host, rule, reason] })),
            'no host was refused',
          )}`
    }`;
}

function networksView() {
  return html`<h1>Networks</h1>
    ${table(
      ['network', 'subnet', 'addresses', 'deployment'],
      all('network/').map(({ id, name, cidr, leases, deployment }) => ({
        key: id,
        cells: [html`<a href=${to.network(name)}>${name}</a>`, cidr, leases.filter(({ state }) => state !== 'resting').length, deployment],
      })),
      'no networks yet',
    )}`;
}

function networkView({ name }) {
  const found = all('network/').find((one) => one.name === name || one.id === name);
  if (found === undefined) return missing(`no network ${name}`);
  return html`<h1>Network ${found.name}</h1><p>${found.cidr}</p>
    ${table(
      ['address', 'who', 'host', 'state'],
      found.leases.map(({ ip, kind, owner, host, state }) => ({
        key: ip,
        cells: [
          ip,
          kind === 'instance' ? html`<a href=${to.instance(owner)}>${owner}</a>` : `${owner} (${kind})`,
          host === '' ? '–' : html`<a href=${to.host(host)}>${host}</a>`,
          state,
        ],
      })),
      'no addresses in use',
    )}`;
}

function eventsView() {
  return html`<h1>Events</h1><p class="soft">as they happen, the newest first</p>
    ${table(
      ['time', 'host', 'what', 'of'],
      happened.toReversed().map(({ host, event }) => ({
        key: `${event.timeNano} ${event.Type} ${event.Action} ${event.Actor?.ID}`,
        cells: [
          new Date(event.time * 1000).toLocaleTimeString(),
          host,
          `${event.Type} ${event.Action}`,
          event.Actor?.Attributes?.name ?? event.Actor?.ID ?? '',
        ],
      })),
      'nothing has happened since this page knows it',
    )}`;
}

const missing = (text) => html`<h1>Not here</h1><p>${text}</p>`;
const hostsView = () =>
  html`<h1>Hosts</h1>${may('all') ? html`<div class="row"><button onClick=${ask.rebalance}>Rebalance…</button></div>` : null}<div class="cards">${all('host/').map(hostCard)}</div>`;

/** Pattern of the address below /ui, title, view. */
const VIEWS = [
  [/^\/?$/, () => 'Cluster', overview],
  [/^\/hosts$/, () => 'Hosts', hostsView],
  [/^\/hosts\/(?<name>[^/]+)$/, ({ name }) => name, hostView],
  [/^\/services$/, () => 'Services', servicesView],
  [/^\/services\/(?<deployment>[^/]+)\/(?<service>[^/]+)$/, ({ deployment, service }) => `${deployment}/${service}`, serviceView],
  [/^\/instances\/(?<name>[^/]+)$/, ({ name }) => name, instanceView],
  [/^\/networks$/, () => 'Networks', networksView],
  [/^\/networks\/(?<name>[^/]+)$/, ({ name }) => name, networkView],
  [/^\/volumes$/, () => 'Volumes', volumesView],
  [/^\/images$/, () => 'Images', imagesView],
  [/^\/events$/, () => 'Events', eventsView],
  [/^\/operations$/, () => 'Operations', operationsView],
  [/^\/audit$/, () => 'Audit', auditView],
  [/^\/doctor$/, () => 'Doctor', doctorView],
  [/^\/logs$/, () => 'Logs', logsView],
];

/** The view of an address: its title and what it shows. */
export function viewAt(path) {
  for (const [pattern, title, view] of VIEWS) {
    const { groups } = pattern.exec(path.replace(/^\/ui/, '')) ?? {};
    if (!pattern.test(path.replace(/^\/ui/, ''))) continue;
    const given = Object.fromEntries(Object.entries(groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));
    return { title: title(given), show: () => view(given) };
  }
  return { title: 'Not here', show: () => missing(`no such page: ${path}`) };
}
