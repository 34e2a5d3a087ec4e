/** One leadership as a page that is kept open follows it. Effects: listens to its view and its events. */
import { type Live, liveRows } from '../../operator-api/api.ts';
import type { Leadership } from '../leadership.ts';

export function liveOf({ observe, scheduler, ended }: Leadership): Live {
  return {
    observe,
    rows: (observed) => liveRows(observed, Date.now()),
    onChange: scheduler.view.onChange,
    onEvent: scheduler.events.listen,
    ended,
  };
}
