// Views of what is asked for when they are opened: volumes, images, long work, differences, who changed what, and the path between two things.
import { audit, auditLog, doctor, images, operations, volumes } from './api.ts';
import { kept } from './kept.js';
import { list } from './long.js';
import { size, state, table, to } from './parts.js';
import { instances } from './stream.js';
import { html } from './vendor.js';

const when = (ms) => new Date(ms).toLocaleString();

/** The answer shown, or why there is none yet. */
function answered({ value, error }, show) {
  if (value !== undefined) return show(value);
  return html`<p class=${error === undefined ? 'soft' : 'bad'} role="status">${error ?? 'asking…'}</p>`;
}

export function volumesView() {
  return html`<h1>Volumes</h1>
    ${answered(kept('volumes', volumes), ({ Volumes, Warnings }) => [
      ...(Warnings ?? []).map((one) => html`<p class="warn">${one}</p>`),
      list(
        ['volume', 'host', 'driver', 'created'],
        Volumes ?? [],
        ({ Name, Driver, Status, CreatedAt }) => ({
          key: Name,
          cells: [
            Name,
            Status?.['arpanet.host'] === undefined ? '–' : html`<a href=${to.host(Status['arpanet.host'])}>${Status['arpanet.host']}</a>`,
            Driver,
            CreatedAt ?? '',
          ],
        }),
        'no volumes yet',
      ),
    ])}`;
}

export function imagesView() {
  return html`<h1>Images</h1>
    ${answered(kept('images', images), (found) =>
      table(
        ['image', 'id', 'size', 'created', 'used by'],
        found.map(({ Id, RepoTags, Size, Created }) => ({
          key: Id,
          cells: [
            (RepoTags ?? []).join(', ') || html`<span class="soft">none</span>`,
            Id.replace('sha256:', '').slice(0, 12),
            size(Size),
            when(Created * 1000),
            instances().filter(({ image }) => (RepoTags ?? []).some((tag) => tag === image || tag === `${image}:latest`)).length || '–',
          ],
        })),
        'no images on any host',
      ),
    )}`;
}

export function operationsView() {
  return html`<h1>Operations</h1><p class="soft">long work: what runs, and what became of the last hundred</p>
    ${answered(kept('operations', operations), (found) =>
      table(
        ['began', 'what', 'user', 'state', 'last'],
        found.map(({ id, what, user, startedAtMs, endedAtMs, state: how, progress, error }) => ({
          key: id,
          cells: [
            when(startedAtMs),
            what.replace('/arpanet/v1', ''),
            user ?? '–',
            html`<span class=${how === 'failed' ? 'bad' : how === 'done' ? 'good' : 'warn'}>${how}${endedAtMs === undefined ? '' : ` after ${((endedAtMs - startedAtMs) / 1000).toFixed(1)} s`}</span>`,
            error ?? progress.at(-1) ?? '',
          ],
        })),
        'none since this leader leads',
      ),
    )}`;
}

export function auditView() {
  return html`<h1>Audit</h1>
    <h2>Differences</h2><p class="soft">store, Engines, networks, names and catalog, compared now</p>
    ${answered(kept('audit', audit), ({ findings }) =>
      table(
        ['where', 'host', 'what'],
        findings.map(({ where, host, what }, at) => ({ key: at, cells: [where, host ?? '', html`<span class="bad">${what}</span>`] })),
        'none',
      ),
    )}
    <h2>Who changed what</h2>
    ${answered(kept('audit log', auditLog), (lines) =>
      table(
        ['time', 'user', 'what', 'of', 'result'],
        lines.toReversed().map(({ time, user, method, route, object, result, requestId }) => ({
          key: requestId,
          cells: [
            new Date(time).toLocaleString(),
            user ?? '–',
            `${method} ${route}`,
            object ?? '',
            html`<span class=${result === 'done' ? 'good' : 'bad'}>${result}</span>`,
          ],
        })),
        'nothing since this leader leads',
      ),
    )}`;
}

export function doctorView() {
  const asked = new URLSearchParams(location.search);
  const [from, name] = [asked.get('from') ?? '', asked.get('name') ?? ''];
  const examine = (event) => {
    event.preventDefault();
    const query = new URLSearchParams(new FormData(event.target)).toString();
    dispatchEvent(new CustomEvent('go', { detail: `/ui/doctor?${query}` }));
  };
  return html`<h1>Doctor</h1><p class="soft">the path from a container to what it calls by a name, up to the first broken link</p>
    <form class="row" onSubmit=${examine}>
      <label>from <input name="from" value=${from} list="known" required placeholder="abc-web-1" /></label>
      <label>to <input name="name" value=${name} required placeholder="pricing:80" /></label>
      <button class="main">Examine</button>
      <datalist id="known">${instances().map((one) => html`<option value=${one.name} />`)}</datalist>
    </form>
    ${
      from === '' || name === ''
        ? null
        : answered(
            kept(`doctor ${from} ${name}`, () => doctor(from, name)),
            pathOf,
          )
    }`;
}

/** Drawn from the sender on; the broken link is the last, and what it should have led to stays apart. */
function pathOf(links) {
  const fix = links.at(-1)?.fix;
  return html`<ol class="path" aria-label="path">${links.map(
    ({ link, isSound, what }) =>
      html`<li class=${isSound ? 'sound' : 'broken'}><span class="knot" aria-hidden="true">${isSound ? '✓' : '✗'}</span><b>${isSound ? '' : html`<span class="bad">broken </span>`}${link}</b><br />${what}</li>`,
  )}</ol>${fix === undefined ? html`<p>${state('no problem found', 'good')}</p>` : html`<section class="card problems"><b>to fix it:</b> ${fix}</section>`}`;
}
