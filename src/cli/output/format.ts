/** `--format`: rows through a Go template, as docker's own lists take it. Pure. */
import { hint } from '../../config/nearest.ts';
import { ArpanetError } from '../../model/errors.ts';
import { expandGoTemplate, GoTemplateError, type GoValue } from '../../text/go-template/index.ts';
import { table } from './table.ts';

const TABLE = /^table\s+/;

const textOf = (value: GoValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Docker's functions beside Go's own (docs.docker.com, "Format command and log output"). A list is a text with commas. */
const FUNCTIONS: Readonly<Record<string, (...given: readonly GoValue[]) => GoValue>> = {
  json: (value) => JSON.stringify(value instanceof Map ? Object.fromEntries(value) : value),
  upper: (value) => textOf(value).toUpperCase(),
  lower: (value) => textOf(value).toLowerCase(),
  title: (value) => textOf(value).replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase()),
  truncate: (value, length) => textOf(value).slice(0, Number(length)),
  pad: (value, before, after) => `${' '.repeat(Number(before))}${textOf(value)}${' '.repeat(Number(after))}`,
};

/**
 * `json`: one object per line. `table TEMPLATE`: columns, parted by `\t`, under their fields' names. Else the template for each row, one per line.
 * Throws `invalid` naming the fields, for a template that cannot be filled in.
 */
export function formatted(format: string, rows: readonly object[]): string {
  if (format.trim() === 'json') return rows.map((row) => JSON.stringify(row)).join('\n');
  const template = format.replace(TABLE, '').replaceAll(String.raw`\t`, '\t').replaceAll(String.raw`\n`, '\n');
  const lines = rows.map((row) => filled(template, row));
  if (!TABLE.test(format)) return lines.join('\n');
  return table(
    template.split('\t').map(headingOf),
    lines.map((line) => line.split('\t')),
  );
}

/** `{{.Host}}` -> `HOST` */
const headingOf = (cell: string): string =>
  (/\.(\w+)[^.}]*\}\}/.exec(cell)?.[1] ?? cell).replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toUpperCase();

function filled(template: string, row: object): string {
  const context = goValue(row);
  try {
    return expandGoTemplate(template, context, FUNCTIONS);
  } catch (error) {
    if (!(error instanceof GoTemplateError)) throw error;
    const fields = Object.keys(row).map(fieldName);
    const asked = /can't evaluate field (\w+)/.exec(error.message)?.[1];
    const near = asked === undefined ? `the fields are ${fields.join(', ')}` : hint(asked, fields);
    throw new ArpanetError('invalid', `--format is "${template}": ${error.message}; ${near}`, { cause: error });
  }
}

/** `reservedCores` -> `ReservedCores`, `id` -> `ID`: as Go's structs name them. */
const fieldName = (key: string): string => (key === 'id' ? 'ID' : key.charAt(0).toUpperCase() + key.slice(1));

/** Labels and other maps keep their keys; lists are texts, as docker's lists show them. */
function goValue(value: unknown, isMap = false): GoValue {
  if (Array.isArray(value)) return value.map((one) => (typeof one === 'object' ? JSON.stringify(one) : String(one))).join(',');
  if (typeof value !== 'object' || value === null) return (value ?? '') as GoValue;
  if (isMap) return new Map(Object.entries(value).map(([key, one]) => [key, String(one)]));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [fieldName(key), goValue(one, key === 'labels' || key === 'options')]),
  );
}
