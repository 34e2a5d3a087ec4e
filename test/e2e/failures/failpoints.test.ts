import { describeFailpoints } from '../../support/suites/failpoint-suite.ts';

describeFailpoints('scheduler');
