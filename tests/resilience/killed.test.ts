import { killedRuns } from './killed.ts';
import { testShort } from './short.ts';

testShort(killedRuns);
