import { recoverySuite } from '../../support/suites/recovery-suite.ts';

recoverySuite('embedded');
