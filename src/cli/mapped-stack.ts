/** Stacks of a command that runs without source maps (main.ts). Effects: reads the maps. */
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The stack with places in files of src, where a map beside the built file says so. */
export function mappedStack(stack: string): string {
  return stack.replaceAll(/(file:\/\/[^\s():]+\.js):(\d+):(\d+)/g, (place: string, file: string, line: string, column: string) => {
    try {
      const map = new SourceMap(JSON.parse(readFileSync(fileURLToPath(`${file}.map`), 'utf8')) as SourceMapPayload);
      const found = map.findEntry(Number(line) - 1, Number(column) - 1);
      if (!('originalSource' in found)) return place;
      return `${fileURLToPath(new URL(found.originalSource, file))}:${found.originalLine + 1}:${found.originalColumn + 1}`;
    } catch {
      return place;
    }
  });
}
