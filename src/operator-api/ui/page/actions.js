// What can be done, each after a look at what will happen.
import { get, work } from './api.js';
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
    now.state = 'failed';
    now.lines.push(error.message);
  }
  changed();
}

const list = (names) => html`<ul>${names.map((name) => html`<li>${name}</li>`)}</ul>`;

function scale(service) {
  const reference = `${service.deployment}/${service.service}`;
  const question = open({
    title: `Scale ${reference}`,
    count: service.desired,
    plan: undefined,
    act: (progress) => work('/services/scale', { counts: [`${reference}=${question.count}`] }, progress),
    body: () => html`<label>instances: <b>${question.count}</b>
        <input type="range" min="0" max=${Math.max(10, service.desired * 2)} value=${question.count} onInput=${(event) => look(Number(event.target.value))} /></label>
      ${
        question.plan === undefined
          ? html`<p class="soft">looking where they would go…</p>`
          : typeof question.plan === 'string'
            ? html`<p class="bad">${question.plan}</p>`
            : html`${question.plan.added.length > 0 ? html`<p>would start:</p>${list(question.plan.added.map(({ name, host, why }) => (host === undefined ? `${name}: fits nowhere: ${why}` : `${name} on ${host}`)))}` : null}
              ${question.plan.removed.length > 0 ? html`<p>would be removed: ${question.plan.removed.length}</p>` : null}
              ${question.plan.added.length + question.plan.removed.length === 0 ? html`<p>nothing would change</p>` : null}`
      }`,
  });
  let turn = 0;
  const look = async (count) => {
    const mine = ++turn;
    question.count = count;
    question.plan = undefined;
    changed();
    const plan = await get(`/services/scale?count=${encodeURIComponent(`${reference}=${count}`)}`).catch((error) => error.message);
    if (mine !== turn) return;
    question.plan = plan;
    changed();
  };
  look(service.desired).catch(() => undefined);
}

const simple = (title, text, names, path, body, isDanger = false) =>
  open({ title, isDanger, body: () => html`<p>${text}</p>${list(names)}`, act: (progress) => work(path, body, progress) });

export const ask = {
  scale,
  restart: ({ deployment, service, instances }) =>
    simple(
      `Restart ${deployment}/${service}`,
      'These are restarted:',
      instances.map(({ name, host }) => `${name} on ${host}`),
      '/services/restart',
      { services: [`${deployment}/${service}`] },
    ),
  remove: ({ deployment, service, instances }) =>
    simple(
      `Remove ${deployment}/${service}`,
      'These are stopped and removed, with the service. Named volumes stay.',
      instances.map(({ name, host }) => `${name} on ${host}`),
      '/services/rm',
      { services: [`${deployment}/${service}`] },
      true,
    ),
  drain: ({ name }, runs) =>
    simple(
      `Drain ${name}`,
      'It takes no new containers, and these move to other hosts, each replacement started first:',
      runs.map((one) => one.name),
      `/hosts/${encodeURIComponent(name)}/drain`,
      {},
    ),
  activate: ({ name }) =>
    simple(`Activate ${name}`, 'It takes new containers again.', [], `/hosts/${encodeURIComponent(name)}/activate`, {}),
};

/** The dialog's content. */
export function dialogView() {
  const { now } = dialog;
  if (now === undefined) return null;
  return html`<h2>${now.title}</h2>
    ${now.state === 'asks' ? now.body() : null}
    ${now.lines.length > 0 ? html`<pre aria-live="polite">${now.lines.join('\n')}</pre>` : null}
    ${now.state === 'works' ? html`<p class="soft">working…</p>` : now.state === 'done' ? html`<p class="good">done</p>` : now.state === 'failed' ? html`<p class="bad">it failed</p>` : null}
    <div class="row">
      ${now.state === 'asks' ? html`<button class=${now.isDanger ? 'danger' : 'main'} onClick=${go}>${now.title}</button>` : null}
      <button onClick=${close}>${now.state === 'asks' ? 'Cancel' : 'Close'}</button>
    </div>`;
}
