/**
 * How long ago, as Docker writes it (docker/go-units duration.go, `HumanDuration`), and for how long the text holds. Pure.
 */
export interface HumanDuration {
  readonly text: string;
  /** The elapsed time at which the text becomes another one. */
  readonly untilMs: number;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** A clock that runs behind (negative elapsed time) reads as "Less than a second", as in Go. */
export function humanDuration(elapsedMs: number): HumanDuration {
  const seconds = Math.floor(elapsedMs / second);
  if (seconds < 1) return { text: 'Less than a second', untilMs: second };
  if (seconds < 60) return { text: seconds === 1 ? '1 second' : `${seconds} seconds`, untilMs: (seconds + 1) * second };
  const minutes = Math.floor(elapsedMs / minute);
  if (minutes < 46) return { text: minutes === 1 ? 'About a minute' : `${minutes} minutes`, untilMs: (minutes + 1) * minute };
  return speakHours(elapsedMs);
}

/** From 46 minutes Docker counts in hours rounded to the nearest; days, weeks and months are whole multiples of those. */
function speakHours(elapsedMs: number): HumanDuration {
  const hours = Math.floor(elapsedMs / hour + 0.5);
  const roundedTo = (count: number) => (count - 0.5) * hour;
  if (hours === 1) return { text: 'About an hour', untilMs: roundedTo(2) };
  if (hours < 48) return { text: `${hours} hours`, untilMs: roundedTo(hours + 1) };
  for (const { name, size, below } of spans) {
    if (hours >= below) continue;
    const count = Math.floor(hours / size);
    return { text: `${count} ${name}`, untilMs: roundedTo(Math.min((count + 1) * size, below)) };
  }
  // years are cut, not rounded: half an hour before two years Docker says "1 years"
  const years = Math.floor(elapsedMs / hour / (24 * 365));
  return { text: `${years} years`, untilMs: (years + 1) * 24 * 365 * hour };
}

const spans = [
  { name: 'days', size: 24, below: 24 * 7 * 2 },
  { name: 'weeks', size: 24 * 7, below: 24 * 30 * 2 },
  { name: 'months', size: 24 * 30, below: 24 * 365 * 2 },
] as const;
