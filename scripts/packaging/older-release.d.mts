/** Where the packages of the older release are. */
export function olderRelease(out?: string): string;
