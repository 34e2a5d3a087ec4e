/** Makes what all labs start from, once and by one process: the images, and a data root for each version of the Engine. */
import { preparedRoot } from './engine-roots.ts';
import { quietLog } from './lab.ts';
import { tools } from './paths.ts';

for (const path of [[], tools.engine26(), tools.newestEngine()]) await preparedRoot(path, quietLog);
