import { recoverySuite } from '../support/recovery-suite.ts';

recoverySuite('embedded');
