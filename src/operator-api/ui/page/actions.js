// What can be done, each after a look at what will happen.
import * as api from './api.ts';
import { html } from './vendor.js';

/** What is asked now: {title, body(), go, isDanger}. */
export const dialog = { now: undefined };
let changed = () => undefined;
export function onDialog(listener) {
  changed = listener;
}

export function close() {
  dialog.now = undefined;
  changed();
}

function open(question) {
  dialog.now = { lines: [], state: 'asks', ...question };
  changed();
  return dialog.now;
}

export async function go() {
  const { now } = dialog;
  if (now === undefined || now.state !== 'asks') return;
  now.state = 'works';
  changed();
  try {
    await now.act((line) => {
      now.lines.push(line);
      changed();
    });
    now.state = 'done';
  } catch (error) {
    now.state = api.isLost(error) ? 'lost' : 'failed';
    now.lines.push(error.message);
  }
  changed();
}

const reference = ({ deployment, service }) => `${deployment}/${service}`;
const places = ({ instances }) => instances.map(({ name, host }) => `${name} on ${host}`);
const list = (names) => html`<ul>${names.map((name) => html`<li>${name}</li>`)}</ul>`;

function scale(service) {
  const of = reference(service);
  const question = open({
    title: `Scale ${of}`,
    count: service.desired,
    plan: undefined,
    act: (progress) => api.scale(service, question.count, progress),
    body: () => html`<label>instances: <b>${question.count}</b>
        <input type="range" min="0" max=${Math.max(10, service.desired * 2)} value=${question.count} onInput=${(event) => look(Number(event.target.value))} /></label>
      <div aria-live="polite">${scaleText(question.plan)}</div>`,
  });
  let turn = 0;
  const look = async (count) => {
    const mine = ++turn;
    question.count = count;
    question.plan = undefined;
    changed();
    const plan = await api.scalePlan(service, count).catch((error) => error.message);
    if (mine !== turn) return;
    question.plan = plan;
    changed();
  };
  look(service.desired).catch(() => undefined);
}

/** `plan`: undefined while it is asked for; a text: why there is none. */
function scaleText(plan) {
  if (plan === undefined) return html`<p class="soft">looking where they would go…</p>`;
  if (typeof plan === 'string') return html`<p class="bad">${plan}</p>`;
  const { added, removed, unplaced } = plan;
  if (added.length + removed.length + unplaced === 0) return html`<p>nothing would change</p>`;
  const text = ({ name, host, why }) => (host === undefined ? `${name}: fits nowhere: ${why}` : `${name} on ${host}`);
  return html`${added.length > 0 ? html`<p>would start:</p>${list(added.map(text))}` : null}
    ${unplaced > 0 ? html`<p>and ${unplaced} more</p>` : null}
    ${removed.length > 0 ? html`<p>would be removed:</p>${list(removed)}` : null}`;
}

function update(service) {
  const of = reference(service);
  const question = open({
    title: `Update ${of}`,
    image: service.image,
    act: (progress) => api.update(service, question.image, question.image === service.image, progress),
    body: () => html`<label>image <input class="wide" value=${question.image} required onInput=${({ target }) => {
      question.image = target.value.trim();
      changed();
    }} /></label>
      <p>${question.image === service.image ? 'With the same image all are replaced:' : 'These are replaced:'} as the service's settings say, each healthy before the next.</p>
      ${list(places(service))}`,
  });
}

function rebalance() {
  const question = open({
    title: 'Rebalance',
    plan: undefined,
    canGo: false,
    act: (progress) => api.rebalance(progress),
    body: () => {
      const { plan } = question;
      if (plan === undefined) return html`<p class="soft">looking what would move…</p>`;
      if (typeof plan === 'string') return html`<p class="bad">${plan}</p>`;
      if (plan.moves.length === 0) return html`<p>nothing would move: the hosts are as even as they can be</p>`;
      return html`<p>would move, each replacement started first:</p>${list(plan.moves.map(({ name, from, to }) => `${name}: ${from} → ${to}`))}`;
    },
  });
  const look = async () => {
    const plan = await api.rebalancePlan().catch((error) => error.message);
    Object.assign(question, { plan, canGo: plan.moves?.length > 0 });
    changed();
  };
  look().catch(() => undefined);
}

const simple = (title, text, names, act, isDanger = false) =>
  open({ title, isDanger, body: () => html`<p>${text}</p>${list(names)}`, act });
const onService = (act, title, text, isDanger) => (service) =>
  simple(`${title} ${reference(service)}`, text, places(service), (progress) => act(service, progress), isDanger);
const release = (name, services) =>
  open({
    title: `Remove ${name}`,
    isDanger: true,
    body: () =>
      html`<p>These are stopped and removed, with their services and networks. Named volumes stay.</p>${list(services.flatMap(places))}`,
    act: (progress) => api.release(name, progress),
  });

export const ask = {
  scale,
  update,
  rebalance,
  release,
  rollback: onService(api.rollback, 'Roll back', 'It gets the settings back that it had before its last update; these are replaced:'),
  restart: onService(api.restart, 'Restart', 'These are restarted:'),
  remove: onService(api.remove, 'Remove', 'These are stopped and removed, with the service. Named volumes stay.', true),
  drain: ({ name }, runs) =>
    simple(
      `Drain ${name}`,
      'It takes no new containers, and these move to other hosts, each replacement started first:',
      runs.map((one) => one.name),
      (progress) => api.drain(name, progress),
    ),
  activate: ({ name }) => simple(`Activate ${name}`, 'It takes new containers again.', [], () => api.activate(name)),
};

/** The dialog's content. */
export function dialogView() {
  const { now } = dialog;
  if (now === undefined) return null;
  return html`<h2>${now.title}</h2>
    ${now.state === 'asks' ? now.body() : null}
    ${now.lines.length > 0 ? html`<pre aria-live="polite">${now.lines.join('\n')}</pre>` : null}
    ${now.state === 'works' ? html`<p class="soft">working…</p>` : now.state === 'done' ? html`<p class="good">done</p>` : now.state === 'failed' ? html`<p class="bad">it failed</p>` : now.state === 'lost' ? html`<p>see its end in <a href="/ui/operations">operations</a></p>` : null}
    <div class="row">
      ${now.state === 'asks' && now.canGo !== false ? html`<button class=${now.isDanger ? 'danger' : 'main'} onClick=${go}>${now.title}</button>` : null}
      <button onClick=${close}>${now.state === 'asks' ? 'Cancel' : 'Close'}</button>
    </div>`;
}
