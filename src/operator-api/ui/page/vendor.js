// The two libraries of this page: preact draws, htm reads templates.
import htm from 'htm';
import { Component, h, render } from 'preact';

export const html = htm.bind(h);
export { Component, render };
