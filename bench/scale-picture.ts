/** Curves over the number of hosts as a picture (SVG), for docs/performance.md. Pure. */
export interface Curve {
  readonly title: string;
  /** Of the figures. */
  readonly unit: string;
  /** Where it should stay below, or above. */
  readonly target?: { readonly value: number; readonly text: string };
  readonly points: readonly { readonly hosts: number; readonly value: number }[];
}

const WIDTH = 300;
const HEIGHT = 190;
const ACROSS = 3;
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 16, 34, 30];

/** Some curves beside and below each other. The number of hosts grows by its logarithm. */
export function picture(curves: readonly Curve[]): string {
  const rows = Math.ceil(curves.length / ACROSS);
  const panels = curves.map((curve, i) => panel(curve, (i % ACROSS) * WIDTH, Math.floor(i / ACROSS) * HEIGHT));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH * ACROSS} ${HEIGHT * rows}" font-family="sans-serif" font-size="11" fill="#333">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

function panel({ title, unit, target, points }: Curve, x: number, y: number): string {
  const hosts = points.map((point) => Math.log10(point.hosts));
  const [least, most] = [Math.min(...hosts), Math.max(...hosts)];
  const top = Math.max(...points.map(({ value }) => value), target?.value ?? 0) * 1.1 || 1;
  const at = (logHosts: number) => LEFT + ((logHosts - least) / (most - least || 1)) * (WIDTH - LEFT - RIGHT);
  const up = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const line = points.map((point) => `${at(Math.log10(point.hosts)).toFixed(1)},${up(point.value).toFixed(1)}`).join(' ');
  const marks = points.map((point) => {
    const [px, py] = [at(Math.log10(point.hosts)), up(point.value)];
    return `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3" fill="#06c"/><text x="${px.toFixed(1)}" y="${(py - 7).toFixed(1)}" text-anchor="middle">${short(point.value)}</text><text x="${px.toFixed(1)}" y="${HEIGHT - 12}" text-anchor="middle">${point.hosts}</text>`;
  });
  const bound =
    target === undefined
      ? ''
      : `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${up(target.value).toFixed(1)}" y2="${up(target.value).toFixed(1)}" stroke="#c60" stroke-dasharray="4 3"/><text x="${LEFT + 2}" y="${(up(target.value) - 3).toFixed(1)}" fill="#c60">${escaped(target.text)}</text>`;
  return [
    `<g transform="translate(${x} ${y})">`,
    `<text x="${LEFT}" y="18" font-weight="bold">${escaped(title)}, ${escaped(unit)}</text>`,
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM}" stroke="#999"/>`,
    bound,
    `<polyline points="${line}" fill="none" stroke="#06c" stroke-width="1.5"/>`,
    ...marks,
    '</g>',
  ].join('');
}

const short = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toPrecision(2));
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
