/** The routes that the dashboard asks besides: how a browser signs in, its terminals, and logs of many instances. Plain data. */
import { get, type RouteDoc } from './route-doc.ts';

export const PAGE_DOCS: readonly RouteDoc[] = [
  {
    ...get(
      '/logs',
      'services',
      'Logs of all instances of services in one stream, as lines of JSON as they come; one that cannot be read has an `error` in place of `text`.',
      'LogLine',
      [
        {
          name: 'of',
          description: 'A deployment, a service or an instance; may be given again. Without it all.',
          example: 'abc/web',
          isRepeated: true,
        },
        { name: 'tail', description: 'So many lines of each, or all. Without it 100.', example: '20' },
        {
          name: 'follow',
          description: 'true: and what comes, of what starts later too, until the leadership ends; of 200 instances at most.',
          example: 'false',
        },
      ],
    ),
    as: 'lines',
  },
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
