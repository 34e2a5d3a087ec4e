// The page: address, keys, search, and what is drawn when.
import { close, dialog, dialogView, onDialog } from './actions.js';
import { signOut } from './api.ts';
import { onInstances } from './cluster.js';
import { onDeploy } from './deploy.js';
import { forget, onAnswer } from './kept.js';
import { endLogs, onLogs } from './logs.js';
import { learn, may, me } from './me.js';
import { to } from './parts.js';
import { again, connect, deployments, hosts, instances, link, networks, onChange, rows, services } from './stream.js';
import { signInView } from './signin.js';
import { applyTheme, nextTheme } from './theme.js';
import { html, render } from './vendor.js';
import { viewAt } from './views.js';

/** Key after `g`, name, address, what a role needs for it. */
const PLACES = [
  ['o', 'Cluster', '/ui/', 'read'],
  ['h', 'Hosts', '/ui/hosts', 'read'],
  ['s', 'Services', '/ui/services', 'read'],
  ['c', 'Instances', '/ui/instances', 'read'],
  ['n', 'Networks', '/ui/networks', 'read'],
  ['v', 'Volumes', '/ui/volumes', 'read'],
  ['i', 'Images', '/ui/images', 'read'],
  ['p', 'Deploy', '/ui/deploy', 'change'],
  ['l', 'Logs', '/ui/logs', 'read'],
  ['e', 'Events', '/ui/events', 'read'],
  ['w', 'Operations', '/ui/operations', 'read'],
  ['a', 'Audit', '/ui/audit', 'all'],
  ['d', 'Doctor', '/ui/doctor', 'all'],
];
const places = () => PLACES.filter(([, , , access]) => access === 'read' || may(access));
const search = { isOpen: false, text: '', at: 0 };
/** Where a browser draws no frames, as for a window that is covered, the page is drawn nevertheless: it is read by more than eyes. */
const FRAME_MS = 200;
let due;
/** Once for all changes of a frame. */
function draw() {
  if (due !== undefined) return;
  const now = () => {
    if (due !== mine) return;
    due = undefined;
    clearTimeout(timer);
    paint();
  };
  const mine = requestAnimationFrame(now);
  const timer = setTimeout(now, FRAME_MS);
  due = mine;
}

function found() {
  const text = search.text.toLowerCase();
  const everything = [
    ...places().map(([, name, path]) => ['page', name, path]),
    ...hosts().map(({ name, address }) => ['host', `${name} ${address}`, to.host(name)]),
    ...[...deployments().keys()].map((name) => ['deployment', name, to.deployment(name)]),
    ...services().map((one) => ['service', `${one.deployment}/${one.service} ${one.image}`, to.service(one)]),
    ...networks().map(({ name, cidr }) => ['network', `${name} ${cidr}`, to.network(name)]),
    ...instances().map(({ name, addresses }) => ['instance', `${name} ${addresses.join(' ')}`, to.instance(name)]),
  ];
  return everything.filter(([kind, name]) => `${kind} ${name}`.toLowerCase().includes(text)).slice(0, 12);
}

function searchView() {
  const results = found();
  const typed = ({ target }) => {
    Object.assign(search, { text: target.value, at: 0 });
    draw();
  };
  const pressed = (event) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      search.at = Math.max(0, Math.min(results.length - 1, search.at + step));
      draw();
    }
    if (event.key === 'Enter' && results[search.at] !== undefined) go(results[search.at][2]);
  };
  return html`<label class="soft" for="find">Search hosts, services, instances, networks, addresses</label>
    <input id="find" type="search" value=${search.text} onInput=${typed} onKeyDown=${pressed} autocomplete="off" role="combobox" aria-expanded=${results.length > 0} aria-controls="results" aria-activedescendant=${results.length > 0 ? `result-${search.at}` : undefined} />
    <div id="results" role="listbox" aria-label="found">${results.map(
      ([kind, name, path], at) =>
        html`<a key=${path} id="result-${at}" href=${path} role="option" tabindex="-1" aria-selected=${at === search.at}><span class="soft">${kind}</span> ${name}</a>`,
    )}</div>`;
}

async function leave() {
  await signOut();
  again();
  await learn(draw);
}

const isSigningIn = () => me.isOut || location.pathname === '/ui/sign-in';

function paint() {
  const { title, show } = isSigningIn() ? { title: 'Sign in' } : viewAt(location.pathname);
  document.title = `${title} · arpanet`;
  const here = location.pathname;
  render(
    html`${link.isUp || isSigningIn() ? null : html`<div class="offline" role="status">not connected: what is shown may be old</div>`}
      <header>
        <a class="brand" href="/ui/">arpanet</a>
        <button class="find" onClick=${openSearch}><span>Search</span><kbd>/</kbd></button>
        <span class="grow"></span>
        ${me.name === undefined || me.isOut ? null : html`<span class="soft" title="who you are, and your role">${me.name} (${me.role})</span>`}
        ${me.isSession && !me.isOut ? html`<button onClick=${() => leave().catch(() => undefined)}>Sign out</button>` : null}
        <button onClick=${() => (nextTheme(), draw())} title="light, dark, or as the system has it">${localStorage.getItem('theme') ?? 'auto'}</button>
      </header>
      <nav class="scroll" aria-label="views">${places().map(
        ([key, name, path]) =>
          html`<a href=${path} title="g ${key}" aria-current=${(path === '/ui/' ? here === '/ui/' || here === '/ui' : here.startsWith(path)) ? 'page' : undefined}>${name}</a>`,
      )}</nav>
      <main>${isSigningIn() ? signInView(draw) : rows.size === 0 ? html`<p class="soft">asking the leader…</p>` : show()}</main>
      <dialog id="search" aria-label="search" onClose=${() => ((search.isOpen = false), draw())}>${search.isOpen ? searchView() : null}</dialog>
      <dialog id="action" aria-label="action" onClose=${() => dialog.now !== undefined && close()}>${dialogView()}</dialog>`,
    document.body,
  );
  modal(document.querySelector('#search'), search.isOpen);
  modal(document.querySelector('#action'), dialog.now !== undefined);
}

function modal(element, isOpen) {
  if (isOpen && !element.open) element.showModal();
  if (!isOpen && element.open) element.close();
}

function openSearch() {
  Object.assign(search, { isOpen: true, text: '', at: 0 });
  // at once: what is typed next belongs into it
  paint();
}

function go(path) {
  search.isOpen = false;
  if (path !== location.pathname + location.search) history.pushState(null, '', path);
  left();
}
function left() {
  forget();
  if (!location.pathname.startsWith('/ui/logs')) endLogs();
  scrollTo(0, 0);
  draw();
}

addEventListener('popstate', left);
addEventListener('go', ({ detail }) => go(detail));
addEventListener('click', (event) => {
  const anchor = event.target.closest?.('a[href^="/ui"]');
  if (
    anchor === null ||
    anchor === undefined ||
    anchor.target !== '' ||
    event.ctrlKey ||
    event.metaKey ||
    event.shiftKey ||
    event.button !== 0
  )
    return;
  event.preventDefault();
  go(anchor.getAttribute('href'));
});
let isGoing = false;
addEventListener('keydown', (event) => {
  const isTyping = event.target.closest?.('input, select, textarea') !== null;
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '/') {
    event.preventDefault();
    openSearch();
  } else if (isGoing) {
    const [, , path] = places().find(([key]) => key === event.key) ?? [];
    if (path !== undefined) go(path);
  }
  isGoing = event.key === 'g';
});

let wasUp;
onChange(() => {
  // who had that role may have another since, or none
  if (link.isUp !== wasUp) learn(draw).catch(() => undefined);
  wasUp = link.isUp;
  draw();
});
onAnswer(draw);
onDialog(draw);
onLogs(draw);
onDeploy(draw);
onInstances(draw);
applyTheme();
connect();
learn(draw).catch(() => undefined);
paint();
