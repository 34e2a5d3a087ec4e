import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTickets } from '../../../src/operator-api/terminals/tickets.ts';

describe('a ticket for a socket', () => {
  let nowMs = 0;
  const tickets = createTickets<string>(() => nowMs, 10_000);

  it('opens what it is for, once, for the user that it was given to', () => {
    const ticket = tickets.issue('ada', 'exec 1');
    assert.match(ticket, /^[\w-]{43}$/);
    assert.equal(tickets.take('ada', ticket), 'exec 1');
    assert.equal(tickets.take('ada', ticket), undefined, 'a second time');
  });

  it('is lost when somebody else shows it', () => {
    const ticket = tickets.issue('ada', 'exec 2');
    assert.equal(tickets.take('bob', ticket), undefined);
    assert.equal(tickets.take('ada', ticket), undefined);
  });

  it('ends after ten seconds, and nobody guesses another', () => {
    const ticket = tickets.issue('ada', 'exec 3');
    nowMs += 10_001;
    assert.equal(tickets.take('ada', ticket), undefined);
    for (const guess of ['', 'undefined', '__proto__']) assert.equal(tickets.take('ada', guess), undefined);
  });

  it('is one of a thousand at most: the oldest end first', () => {
    const first = tickets.issue('ada', 'first');
    const others = Array.from({ length: 1_000 }, (_, at) => tickets.issue('ada', `other ${at}`));
    assert.equal(tickets.take('ada', first), undefined);
    assert.equal(tickets.take('ada', others.at(-1) ?? ''), 'other 999');
  });
});
