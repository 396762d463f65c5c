import { replicatedRuns } from './replicated.ts';
import { testShort } from './short.ts';

testShort(replicatedRuns);
