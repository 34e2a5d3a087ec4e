/** Labels of Engine objects without those that arpanet wrote for itself. Pure. */
import { labels } from '../model/labels.ts';

/** True for labels that we wrote on a container: answers to clients leave them out. */
export function isInternalLabel(label: string): boolean {
  return label === labels.instance || label === labels.record || label === labels.request;
}

/** The labels that a client may see: of an image made from a container, those of the container are not. */
export function publicLabels(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => !isInternalLabel(name)));
}
