// Signing in by the link that `arpanet ui` prints: its code is behind the #, which no server and no log sees.
import { signIn } from './api.ts';
import { html } from './vendor.js';

const shown = { code: undefined, error: undefined };

async function begin(code, told) {
  try {
    await signIn(code);
    // the address with the code leaves the history
    location.replace('/ui/');
  } catch (error) {
    shown.error = error.message;
    told();
  }
}

/** `told` draws again. */
export function signInView(told) {
  const code = location.hash.slice(1);
  if (code !== '' && shown.code !== code) {
    Object.assign(shown, { code, error: undefined });
    begin(code, told).catch(() => undefined);
  }
  return html`<h1>Sign in</h1>
    ${shown.error === undefined ? null : html`<p class="bad" role="alert">${shown.error}</p>`}
    ${
      code !== '' && shown.error === undefined
        ? html`<p role="status">signing in…</p>`
        : html`<p>Where you use <code>docker</code> with this cluster, run</p><pre>arpanet ui</pre>
          <p>and open the link that it prints. It signs in once, within a minute. A browser that has your certificate needs no link.</p>`
    }`;
}
