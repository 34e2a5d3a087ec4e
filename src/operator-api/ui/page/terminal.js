// A terminal in a container: a shell, or with ?attach what the container itself says and reads. It has a page of its own, which alone loads xterm.js.
import { FitAddon } from '@xterm/addon-fit';
import { terminalTicket } from './api.ts';
import { framesOf } from './frames.js';
import { applyTheme } from './theme.js';
import { Terminal } from '@xterm/xterm';

/** The scheduler takes no more at once. */
const MOST_INPUT_BYTES = 32 << 10;
const NORMAL = 1000;

const container = decodeURIComponent(location.pathname.replace('/ui/terminal/', ''));
const isAttached = new URLSearchParams(location.search).has('attach');
const state = document.querySelector('#state');
document.querySelector('#name').textContent = `${container}${isAttached ? ' (attached)' : ''}`;
document.title = `${container} · arpanet`;
applyTheme();

const terminal = new Terminal({ cursorBlink: false, screenReaderMode: true, scrollback: 5_000 });
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.open(document.querySelector('#screen'));
fit.fit();
addEventListener('resize', () => fit.fit());

/** What has a connection now: undefined between two. */
let socket;
let resize = () => undefined;

const say = (text) => {
  state.textContent = text;
};

async function connect() {
  say('opening…');
  terminal.reset();
  const { ticket, exec, isRaw } = await terminalTicket(container, isAttached);
  const url = new URL('/arpanet/v1/terminal', location.href.replace(/^http/, 'ws'));
  // the ticket is in no address, and so in no log
  const opened = new WebSocket(url, ['arpanet.terminal', ticket]);
  opened.binaryType = 'arraybuffer';
  const partsOf = isRaw ? (bytes) => [bytes] : framesOf();
  const of = exec === undefined ? `/containers/${encodeURIComponent(container)}` : `/exec/${exec}`;
  resize = () => fetch(`${of}/resize?h=${terminal.rows}&w=${terminal.cols}`, { method: 'POST' }).catch(() => undefined);
  opened.onopen = () => {
    socket = opened;
    say('connected');
    resize();
    terminal.focus();
  };
  opened.onmessage = ({ data }) => {
    const bytes = new Uint8Array(data);
    const parts = partsOf(bytes);
    // shown: the scheduler may send as much again
    const shown = () => opened.readyState === WebSocket.OPEN && opened.send(String(bytes.length));
    if (parts.length === 0) shown();
    for (const [at, part] of parts.entries()) terminal.write(part, at === parts.length - 1 ? shown : undefined);
  };
  opened.onclose = ({ code, reason }) => {
    socket = undefined;
    const why = code === NORMAL || code === 1005 ? 'it has ended' : reason || 'the connection was lost';
    say(`${why}: press Enter for another`);
  };
}

const begin = () => {
  connect().catch((error) => say(`${error.message}: press Enter to try again`));
};
const encoder = new TextEncoder();
terminal.onData((text) => {
  if (socket === undefined) {
    if (text === '\r') begin();
    return;
  }
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length; at += MOST_INPUT_BYTES) socket.send(bytes.slice(at, at + MOST_INPUT_BYTES));
});
terminal.onResize(() => socket !== undefined && resize());
begin();
