// The two libraries of this page: preact draws, htm reads templates.
import htm from './htm.js';
import { h, render } from './preact.js';

export const html = htm.bind(h);
export { render };
