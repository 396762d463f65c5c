import { messageRuns } from './messages.ts';
import { raceRuns } from './races.ts';
import { testShort } from './short.ts';

testShort([...messageRuns, ...raceRuns]);
