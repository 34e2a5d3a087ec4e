/** The routes that the dashboard asks besides: how a browser signs in, and its terminals. Plain data. */
import type { RouteDoc } from './route-doc.ts';

export const PAGE_DOCS: readonly RouteDoc[] = [
  {
    method: 'post',
    path: '/terminals',
    tag: 'cluster',
    summary:
      'Prepares a terminal in a container. A WebSocket at /arpanet/v1/terminal with the subprotocols `arpanet.terminal` and the ticket opens it, once, within 10 s.',
    body: { type: 'arpanet.TerminalRequest', required: ['container'], example: { container: 'abc_web_1', command: ['sh'], attach: false } },
    answer: 'Terminal',
  },
  {
    method: 'post',
    path: '/sign-ins',
    tag: 'users',
    summary: 'Gives who has a certificate a code, with which a browser begins a session, once, within a minute: /ui/sign-in#CODE.',
    answer: 'SignIn',
  },
  {
    method: 'post',
    path: '/session',
    tag: 'users',
    summary: 'Begins the session of a browser: a cookie that stands for the certificate of who asked for the code.',
    body: { type: 'arpanet.SessionRequest', required: ['code'], example: { code: 'q8cV0oE1Yv2oVvYkq4m5mXo0x1J0d3pQw3n8t7b2r4s' } },
    answer: 'Empty',
  },
  { method: 'delete', path: '/session', tag: 'users', summary: 'Takes the cookie from the browser.', answer: 'Empty' },
];
