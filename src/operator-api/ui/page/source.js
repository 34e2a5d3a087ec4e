// One stream of server-sent events from the leader. A browser opens it again by itself when it ends, but not after an answer that is none (503 while
// nobody leads): then it is opened anew.

const AGAIN_MS = 1_000;
/** Where it is refused again and again, as to who is signed out. */
const LONGEST_MS = 5_000;

/** Hands on what comes, as {kind, …}. `close` ends it. */
export function open(take) {
  let source;
  let timer;
  let againMs = AGAIN_MS;
  const begin = () => {
    source = new EventSource('/arpanet/v1/watch');
    source.onopen = () => {
      againMs = AGAIN_MS;
      take({ kind: 'link', isUp: true });
    };
    source.onerror = () => {
      take({ kind: 'link', isUp: false });
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(timer);
      timer = setTimeout(begin, againMs);
      againMs = Math.min(LONGEST_MS, againMs * 2);
    };
    source.addEventListener('rows', ({ data }) => take({ kind: 'rows', ...JSON.parse(data) }));
    source.addEventListener('event', ({ data }) => take({ kind: 'event', event: JSON.parse(data) }));
  };
  begin();
  return {
    /** Who asks is somebody else from now on. */
    again() {
      clearTimeout(timer);
      source.close();
      take({ kind: 'link', isUp: false });
      begin();
    },
    close() {
      clearTimeout(timer);
      source.close();
    },
  };
}
