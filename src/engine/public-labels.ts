/** Labels of Engine objects without those that arpanet wrote for itself. Pure. */
import { labels } from '../model/labels.ts';

/** True for labels that arpanet writes on containers for itself: answers to clients omit them. */
export function isInternalLabel(label: string): boolean {
  return label === labels.instance || label === labels.record || label === labels.request;
}

/** The labels that a client may see. An image made with `docker commit` has the internal labels of its container, too. */
export function publicLabels(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => !isInternalLabel(name)));
}
