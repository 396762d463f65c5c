/** Looks at photos side by side, as many as the argument says, and says what became of them and how much memory it took at most. */
import { isRefused } from '@bandeng/decider';
import sharp from 'sharp';
import { inspect } from '../src/index.ts';
import { flatJpeg } from './flat-jpeg.ts';

const [width = 0, height = 0, count = 0] = process.argv.slice(2).map(Number);
const outcomeOf = async (photo: Uint8Array): Promise<string> => {
  const inspected = await inspect(photo);
  return isRefused(inspected) ? inspected.refused : inspected.kind;
};

const ordinary = await sharp({ create: { width: 400, height: 300, channels: 3, background: 'red' } })
  .jpeg()
  .toBuffer();
await outcomeOf(ordinary);
const before = process.resourceUsage().maxRSS;
const [first, ...large] = Array.from({ length: count }, () => flatJpeg(width, height));
if (first === undefined) throw new Error('says how many photos');
const [one, meanwhile, ...others] = await Promise.all([first, ordinary, ...large].map(outcomeOf));
const megabytes = Math.round((process.resourceUsage().maxRSS - before) / 1024);
process.stdout.write(JSON.stringify({ meanwhile, others: [one, ...others], megabytes }));
