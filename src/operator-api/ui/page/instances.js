// Deployments, services and their instances, and why an instance is where it is.
import { ask } from './actions.js';
import { explain } from './api.ts';
import { kept } from './kept.js';
import { list } from './long.js';
import { may } from './me.js';
import { countOf, crumbs, instanceState, missing, note, state, swatch, table, to } from './parts.js';
import { deployments, instances, rows, services } from './stream.js';
import { html } from './vendor.js';

export const instanceTable = (items) =>
  list(
    ['instance', 'host', 'state', 'health', 'address', 'image'],
    items,
    (one) => ({
      key: one.id,
      cells: [
        html`<a href=${to.instance(one.name)}>${one.name}</a>`,
        html`<a href=${to.host(one.host)}>${one.host}</a>`,
        instanceState(one),
        one.health ?? '–',
        one.addresses.join(', '),
        one.image,
      ],
    }),
    'no instances',
  );

const serviceTable = (items) =>
  list(
    ['service', 'running', 'image', 'update'],
    items,
    (one) => ({
      key: `${one.deployment}/${one.service}`,
      cells: [
        html`${swatch(one.deployment)} <a href=${to.service(one)}>${one.deployment}/${one.service}</a>`,
        countOf(one),
        one.image,
        one.trouble === undefined ? (one.update ?? '') : html`<span class="bad">${one.trouble}</span>`,
      ],
    }),
    'no services yet',
  );

export const servicesView = () =>
  html`<div class="between"><h1>Services</h1>${may('change') ? html`<a class="button" href="/ui/deploy">Deploy…</a>` : null}</div>${serviceTable(services())}`;

export function deploymentView({ name }) {
  const mine = deployments().get(name);
  if (mine === undefined) return missing(`no deployment ${name}`);
  return html`${crumbs(['Services', '/ui/services'])}
    <div class="between"><h1>${swatch(name)} ${name}</h1><div class="row">
      <a class="button" href=${to.logs(name)}>Logs</a>
      ${may('change') ? html`<a class="button" href=${`/ui/deploy?name=${encodeURIComponent(name)}`}>Deploy…</a><button class="danger" onClick=${() => ask.release(name, mine)}>Remove…</button>` : null}</div></div>
    ${serviceTable(mine)}
    <h2>Instances</h2>${instanceTable(instances().filter(({ service }) => service.deployment === name))}`;
}

export function serviceView({ deployment, service }) {
  const found = rows.get(`service/${deployment}/${service}`);
  if (found === undefined) return missing(`no service ${deployment}/${service}`);
  const reference = `${deployment}/${service}`;
  return html`${crumbs(['Services', '/ui/services'], [deployment, to.deployment(deployment)])}
    <h1>${swatch(deployment)} ${reference}</h1>
    <p>${countOf(found)} · ${found.image}${found.update === undefined ? '' : ` · ${found.update}`}</p>
    <div class="row"><a class="button" href=${to.logs(reference)}>Logs</a>${may('change') ? serviceButtons(found) : null}</div>
    ${found.trouble === undefined ? null : html`<p class="bad">${found.trouble}</p>`}
    <h2>Instances</h2>${instanceTable(found.instances)}`;
}

const serviceButtons = (service) => html`
  ${service.isGlobal ? null : html`<button onClick=${() => ask.scale(service)}>Scale…</button>`}
  <button onClick=${() => ask.update(service)}>Update…</button>
  ${service.isHeld ? html`<button onClick=${() => ask.rollback(service)}>Roll back…</button>` : null}
  <button onClick=${() => ask.restart(service)}>Restart…</button>
  <button class="danger" onClick=${() => ask.remove(service)}>Remove…</button>`;

export function instanceView({ name }) {
  const found = instances().find((one) => one.name === name);
  const { value: why, error } = kept(`explain ${name}`, () => explain(name));
  if (found === undefined && why === undefined) return missing(error ?? `no instance ${name}`);
  return html`${found === undefined ? null : crumbs(['Services', '/ui/services'], [found.service.deployment, to.deployment(found.service.deployment)], [found.service.service, to.service(found.service)])}
    <h1>${name}</h1>
    ${
      found === undefined
        ? null
        : html`<p>${instanceState(found)} on <a href=${to.host(found.host)}>${found.host}</a> · ${found.addresses.join(', ') || 'no address'} · ${found.image}${found.health === undefined ? '' : ` · ${found.health}`}</p>
          <div class="row"><a class="button" href=${to.logs(name)}>Logs</a>
          ${may('change') ? html`<a class="button" href=${to.terminal(name)} target="_blank">Terminal</a><a class="button" href=${`${to.terminal(name)}?attach`} target="_blank">Attach</a>` : null}
          ${may('all') ? html`<a class="button" href=${`/ui/doctor?from=${encodeURIComponent(name)}&name=`}>Doctor</a>` : null}</div>`
    }
    <h2>Why here</h2>${why === undefined ? note(error ?? 'asking…') : drawnWhy(why)}`;
}

const rounded = (value) => String(Math.round(value * 100) / 100);

/** Hosts by score, the chosen one marked; then those that were refused, by the rule that refused them. */
function drawnWhy({ strategy, atMs, host: chosen, scored, refused }) {
  const scores = scored.map(({ score }) => score);
  const [least, best] = [Math.min(...scores), Math.max(...scores)];
  const shareOf = (score) => (best === least ? 1 : 0.08 + (0.92 * (score - least)) / (best - least));
  const figuresOf = (figures) => Object.entries(figures).filter(([, value]) => value !== 0);
  return html`<p class="soft">by the strategy ${strategy}, ${new Date(atMs).toLocaleString()}; the longest bar is the best score</p>
    ${
      scored.length === 0
        ? note('no host fitted')
        : html`<ol class="scores" aria-label="hosts by score">${scored.map(
            ({ host, score, figures }) => html`<li key=${host} class=${host === chosen ? 'chosen' : ''}>
              <a href=${to.host(host)}>${host}</a>
              <svg class="score" aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none"><rect class="fill" width=${shareOf(score) * 100} height="10" /></svg>
              <span class="number">${rounded(score)}</span>
              <span class="soft small">${host === chosen ? html`<b>chosen</b> · ` : 'fitted · '}${figuresOf(figures)
                .map(([figure, value]) => `${figure} ${rounded(value)}`)
                .join(' · ')}</span></li>`,
          )}</ol>`
    }
    <h2>Refused</h2>${table(
      ['host', 'rule', 'why'],
      refused.map(({ host, rule, why: reason }) => ({ key: host + rule, cells: [host, state(rule, 'bad'), reason] })),
      'no host was refused',
    )}`;
}
