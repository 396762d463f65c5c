import { serverRuns } from './servers.ts';
import { testShort } from './short.ts';

testShort(serverRuns);
