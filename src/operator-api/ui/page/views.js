// What each address shows. Views are functions of what is known now.
import { hostsView, hostView, instancesView, overview } from './cluster.js';
import { deployView } from './deploy.js';
import { deploymentView, instanceView, servicesView, serviceView } from './instances.js';
import { logsView } from './logs.js';
import { list } from './long.js';
import { auditView, doctorView, imagesView, operationsView, volumesView } from './look.js';
import { crumbs, missing, note, to } from './parts.js';
import { happened, networks } from './stream.js';
import { html } from './vendor.js';

function networksView() {
  return html`<h1>Networks</h1>
    ${list(
      ['network', 'subnet', 'addresses', 'deployment'],
      networks(),
      ({ id, name, cidr, leases, deployment }) => ({
        key: id,
        cells: [
          html`<a href=${to.network(name)}>${name}</a>`,
          cidr,
          leases.filter(({ state }) => state !== 'resting').length,
          deployment === undefined ? '–' : html`<a href=${to.deployment(deployment)}>${deployment}</a>`,
        ],
      }),
      'no networks yet',
    )}`;
}

function networkView({ name }) {
  const found = networks().find((one) => one.name === name || one.id === name);
  if (found === undefined) return missing(`no network ${name}`);
  return html`${crumbs(['Networks', '/ui/networks'])}<h1>Network ${found.name}</h1><p>${found.cidr}</p>
    ${list(
      ['address', 'who', 'host', 'state'],
      found.leases,
      ({ ip, kind, owner, host, state }) => ({
        key: ip,
        cells: [
          ip,
          kind === 'instance' ? html`<a href=${to.instance(owner)}>${owner}</a>` : `${owner} (${kind})`,
          host === '' ? '–' : html`<a href=${to.host(host)}>${host}</a>`,
          state,
        ],
      }),
      'no addresses in use',
    )}`;
}

function eventsView() {
  return html`<h1>Events</h1>${note('as they happen, the newest first')}
    ${list(
      ['time', 'host', 'what', 'of'],
      happened.toReversed(),
      ({ host, event }) => ({
        key: `${event.timeNano} ${event.Type} ${event.Action} ${event.Actor?.ID}`,
        cells: [
          new Date(event.time * 1000).toLocaleTimeString(),
          html`<a href=${to.host(host)}>${host}</a>`,
          `${event.Type} ${event.Action}`,
          event.Actor?.Attributes?.name ?? event.Actor?.ID ?? '',
        ],
      }),
      'nothing has happened since this page knows it',
    )}`;
}

/** Pattern of the address below /ui, title, view. */
const VIEWS = [
  [/^\/?$/, () => 'Cluster', overview],
  [/^\/hosts$/, () => 'Hosts', hostsView],
  [/^\/hosts\/(?<name>[^/]+)$/, ({ name }) => name, hostView],
  [/^\/services$/, () => 'Services', servicesView],
  [/^\/deployments\/(?<name>[^/]+)$/, ({ name }) => name, deploymentView],
  [/^\/services\/(?<deployment>[^/]+)\/(?<service>[^/]+)$/, ({ deployment, service }) => `${deployment}/${service}`, serviceView],
  [/^\/instances$/, () => 'Instances', instancesView],
  [/^\/instances\/(?<name>[^/]+)$/, ({ name }) => name, instanceView],
  [/^\/deploy$/, () => 'Deploy', deployView],
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
    const found = pattern.exec(path.replace(/^\/ui/, ''));
    if (found === null) continue;
    const given = Object.fromEntries(Object.entries(found.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));
    return { title: title(given), show: () => view(given) };
  }
  return { title: 'Not here', show: () => missing(`no such page: ${path}`) };
}
