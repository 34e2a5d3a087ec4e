import { describeShop } from '../../support/suites/shop-suite.ts';

describeShop('embedded');
