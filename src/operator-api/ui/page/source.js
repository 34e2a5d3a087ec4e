// One stream of server-sent events from the leader; a browser opens it again by itself when it ends.

/** Hands on what comes, as {kind, …}. */
export function open(take) {
  const source = new EventSource('/arpanet/v1/watch');
  source.onopen = () => take({ kind: 'link', isUp: true });
  source.onerror = () => take({ kind: 'link', isUp: false });
  source.addEventListener('rows', ({ data }) => take({ kind: 'rows', ...JSON.parse(data) }));
  source.addEventListener('event', ({ data }) => take({ kind: 'event', event: JSON.parse(data) }));
  return source;
}
