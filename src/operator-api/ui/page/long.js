// A list of any length: only the lines that can be seen are in the page.
import { table } from './parts.js';
import { Component, html } from './vendor.js';

/** Height of a line, as style.css has it. */
const LINE_PX = 36;
/** Shorter lists are drawn whole. */
const WHOLE = 120;
/** Lines above and below what is seen; it is drawn anew after so many. */
const MORE = 20;

class Long extends Component {
  constructor() {
    super();
    this.state = { from: 0 };
    this.look = () => {
      if (!this.root) return;
      const from = Math.max(0, (Math.floor(-this.root.getBoundingClientRect().top / LINE_PX / MORE) - 1) * MORE);
      if (from !== this.state.from) this.setState({ from });
    };
  }
  componentDidMount() {
    addEventListener('scroll', this.look, { passive: true });
    addEventListener('resize', this.look, { passive: true });
    this.look();
  }
  componentWillUnmount() {
    removeEventListener('scroll', this.look);
    removeEventListener('resize', this.look);
  }
  render({ heads, items, lineOf }, { from: wanted }) {
    const seen = Math.ceil(innerHeight / LINE_PX) + 3 * MORE;
    const from = Math.max(0, Math.min(wanted, items.length - seen));
    const shown = items.slice(from, from + seen);
    const gap = (lines) => html`<tr aria-hidden="true" style=${{ height: `${lines * LINE_PX}px` }}></tr>`;
    const root = (element) => (this.root = element);
    return html`<div ref=${root} class="scroll long" tabindex="0" role="region" aria-label=${`table of ${heads.join(', ')}`}><table aria-rowcount=${items.length + 1}>
      <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
      <tbody>${gap(from)}${shown.map((item, at) => {
        const { key, cells } = lineOf(item);
        return html`<tr key=${key} aria-rowindex=${from + at + 2}>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
      })}${gap(items.length - from - shown.length)}</tbody>
    </table></div>`;
  }
}

/** As `table`, of things and what makes a line of one. */
export function list(heads, items, lineOf, empty) {
  if (items.length <= WHOLE) return table(heads, items.map(lineOf), empty);
  return html`<${Long} heads=${heads} items=${items} lineOf=${lineOf} />`;
}
