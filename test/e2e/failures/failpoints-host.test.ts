import { describeFailpoints } from '../../support/suites/failpoint-suite.ts';

for (const part of ['agent', 'Engine'] as const) describeFailpoints(part);
