// A compose file that is pasted or dropped: where it would go, what is wrong with it and at which line, then the work with its progress.
import { deploy, deployPlan, isLost } from './api.ts';
import { may } from './me.js';
import { note, state, table, to } from './parts.js';
import { html } from './vendor.js';

/** A name that compose takes for a project. */
const NAME = /^[a-z0-9][a-z0-9_-]*$/;
const COMPOSE = /\.ya?ml$/i;
const MOST_BYTES = 1 << 20;

/** `files`: what was dropped beside the compose file, as env files. `step`: writes, plans, planned, works, done, failed, lost. */
const kept = {
  name: undefined,
  path: 'compose.yml',
  text: '',
  files: new Map(),
  step: 'writes',
  plan: undefined,
  fault: undefined,
  lines: [],
};
let changed = () => undefined;
export function onDeploy(listener) {
  changed = listener;
}

function set(what) {
  Object.assign(kept, what);
  changed();
}

/** What the file itself calls the deployment. */
const nameIn = (text) => /^name:\s*["']?([a-z0-9][a-z0-9_-]*)["']?\s*$/m.exec(text)?.[1];
const nameOf = () => kept.name ?? new URLSearchParams(location.search).get('name') ?? nameIn(kept.text) ?? '';

/** `compose.yml:4: what is wrong`; no line where it is of the whole. */
function faultOf(message) {
  const found = message.startsWith(`${kept.path}:`) ? /^(\d+):\s*(.*)$/s.exec(message.slice(kept.path.length + 1)) : null;
  return found === null ? { message } : { line: Number(found[1]), message: found[2] };
}

const body = () => ({ files: { [kept.path]: kept.text, ...Object.fromEntries(kept.files) }, compose: [kept.path] });

async function plan(event) {
  event.preventDefault();
  if (!NAME.test(nameOf()))
    return set({
      fault: { message: 'a name has small letters, digits, - and _, and begins with a letter or a digit' },
      plan: undefined,
      step: 'writes',
    });
  set({ step: 'plans', fault: undefined, plan: undefined, lines: [] });
  try {
    set({ plan: await deployPlan(nameOf(), body()), step: 'planned' });
  } catch (error) {
    const fault = faultOf(error.message);
    set({ fault, step: 'writes' });
    if (fault.line !== undefined) showLine(fault.line);
  }
  return undefined;
}

async function go() {
  set({ step: 'works', lines: [] });
  try {
    await deploy(nameOf(), body(), (line) => set({ lines: [...kept.lines, line] }));
    set({ step: 'done' });
  } catch (error) {
    set({ step: isLost(error) ? 'lost' : 'failed', fault: faultOf(error.message) });
  }
}

/** What was written is another than what was planned. */
const written = (text) => set({ text, step: 'writes', plan: undefined, fault: undefined });

async function take(files) {
  const given = [...files];
  const large = given.find(({ size }) => size > MOST_BYTES);
  if (large !== undefined) return set({ fault: { message: `${large.name} is larger than 1 MiB: this is no compose file` } });
  const compose = given.find(({ name }) => COMPOSE.test(name));
  for (const file of given) if (file !== compose) kept.files.set(file.name, await file.text());
  if (compose !== undefined) Object.assign(kept, { path: compose.name });
  return compose === undefined ? changed() : written(await compose.text());
}

function drop(event) {
  event.preventDefault();
  event.currentTarget.classList.remove('over');
  take(event.dataTransfer.files).catch((error) => set({ fault: { message: error.message } }));
}

function over(event) {
  event.preventDefault();
  event.currentTarget.classList.toggle('over', event.type === 'dragover');
}

function showLine(line) {
  const field = document.querySelector('#compose');
  if (field === null) return;
  const from =
    kept.text
      .split('\n')
      .slice(0, line - 1)
      .join('\n').length + (line > 1 ? 1 : 0);
  const end = kept.text.indexOf('\n', from);
  field.focus();
  field.setSelectionRange(from, end === -1 ? kept.text.length : end);
  document.querySelector('.gutter .bad')?.scrollIntoView({ block: 'center' });
}

const isBusy = () => kept.step === 'plans' || kept.step === 'works';

function editor() {
  const lines = kept.text.split('\n');
  return html`<div class="editor" onDrop=${drop} onDragOver=${over} onDragLeave=${over}>
    <pre class="gutter" aria-hidden="true">${lines.map((_, at) => html`<span class=${at + 1 === kept.fault?.line ? 'bad' : ''}>${at + 1}</span>`)}</pre>
    <textarea id="compose" aria-label="compose file" wrap="off" spellcheck=${false} autocomplete="off" rows=${Math.max(14, lines.length + 1)} value=${kept.text} readonly=${isBusy()}
      aria-invalid=${kept.fault?.line !== undefined} aria-describedby="fault" placeholder="paste a compose file, or drop it here" onInput=${({ target }) => written(target.value)}></textarea>
  </div>`;
}

const ACTIONS = { create: 'good', recreate: 'warn', start: 'good', keep: 'soft', remove: 'bad', refused: 'bad' };

/** By host: who goes there. */
function planView({ creates, steps }) {
  const refused = steps.filter(({ action }) => action === 'refused');
  const isChange = steps.some(({ action }) => action !== 'keep') || creates.length > 0;
  const hosts = [...new Set(steps.filter(({ host }) => host !== '-').map(({ host }) => host))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  return html`<section aria-label="plan"><div class="between"><h2>What would happen</h2>${refused.length === 0 && isChange && kept.step === 'planned' ? html`<button class="main" onClick=${go}>Deploy ${nameOf()}</button>` : null}</div>
    ${refused.length > 0 ? html`<p class="bad"><b>${refused.length} would fit nowhere:</b> nothing is begun before that is mended.</p>` : null}
    ${isChange ? null : note('nothing: all of it runs as the file says')}
    ${creates.length === 0 ? null : html`<p>makes ${creates.map(({ kind, name }) => html`<span class="chip">${kind} ${name}</span> `)}</p>`}
    <div class="cards plan">${hosts.map(
      (host) => html`<section class="card" key=${host} aria-label="on ${host}"><a class="name" href=${to.host(host)}>${host}</a>
      <ul class="plain">${steps.filter((one) => one.host === host).map(({ container, action }) => html`<li><span class="chip ${ACTIONS[action] ?? ''}">${action}</span> ${container}</li>`)}</ul></section>`,
    )}</div>
    ${table(
      ['instance', 'what', 'host', 'address', 'image'],
      steps.map(({ container, action, host, addresses, image, imageNote, why }) => ({
        key: `${container} ${action}`,
        cells: [
          container,
          state(action, ACTIONS[action] ?? ''),
          host,
          addresses.join(', ') || '–',
          why === undefined ? `${image}${imageNote === undefined ? '' : `: ${imageNote}`}` : html`<span class="bad">${why}</span>`,
        ],
      })),
      'no instances',
    )}
  </section>`;
}

export function deployView() {
  if (!may('change')) return html`<h1>Deploy</h1>${note('your role may not deploy')}`;
  const { fault, step } = kept;
  const choose = ({ target }) => take(target.files).catch((error) => set({ fault: { message: error.message } }));
  return html`<h1>Deploy</h1>${note('a compose file, pasted or dropped: first what would happen, then the work')}
    <form onSubmit=${plan}>
      <div class="row"><label>name <input name="name" value=${nameOf()} onInput=${({ target }) => set({ name: target.value.trim(), plan: undefined, step: 'writes' })} placeholder="shop" autocomplete="off" /></label>
        <label class="button">Choose a file…<input class="hidden" type="file" multiple onChange=${choose} /></label>
        ${[...kept.files.keys()].map((name) => html`<span class="chip" key=${name}>${name} <button type="button" class="bare" aria-label="without ${name}" onClick=${() => (kept.files.delete(name), changed())}>×</button></span>`)}</div>
      ${editor()}
      <div id="fault" role="alert">${fault === undefined ? null : html`<p class="bad">${fault.line === undefined ? null : html`<button type="button" class="bare bad" onClick=${() => showLine(fault.line)}>line ${fault.line}</button>: `}${fault.message}</p>`}</div>
      <div class="row"><button class=${step === 'planned' ? '' : 'main'} disabled=${isBusy() || kept.text.trim() === ''}>Show the plan</button>
        <span class="soft" role="status">${step === 'plans' ? 'looking where it would go…' : ''}</span></div>
    </form>
    ${kept.plan === undefined || step === 'works' || step === 'done' || step === 'lost' ? null : planView(kept.plan)}
    ${kept.lines.length === 0 ? null : html`<pre class="progress" role="log" aria-label="progress">${kept.lines.join('\n')}</pre>`}
    ${step === 'works' ? note('working…') : step === 'done' ? html`<p>${state('done', 'good')} · <a href=${to.deployment(nameOf())}>see ${nameOf()}</a></p>` : step === 'failed' ? html`<p class="bad">it failed; the same again goes on from there</p>` : step === 'lost' ? html`<p>see its end in <a href="/ui/operations">operations</a></p>` : null}`;
}
