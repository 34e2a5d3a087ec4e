import { describeShop } from '../support/shop-suite.ts';

describeShop('embedded');
