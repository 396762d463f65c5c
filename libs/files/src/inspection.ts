import { type Refused, refuse } from '@bandeng/decider';
import { turnstile } from '@bandeng/rpc/turnstile';
import { fileTypeFromBuffer } from 'file-type';

/** What is taken: photos, and documents as offices have them. */
export type FileKind = 'photo' | 'document';

/** A file as it is kept. */
export interface Inspected {
  readonly kind: FileKind;
  /** Media type, as found in the bytes. */
  readonly type: string;
  readonly content: Uint8Array;
  /** A photo in small, for lists. */
  readonly small?: Uint8Array;
}

/**
 * Why a file is not taken: its bytes are of no kind that is, they begin like a photo and cannot be read as one, or it has more
 * pixels than are looked at.
 */
export type InspectionRefusal = 'file-type-not-taken' | 'photo-unreadable' | 'photo-too-large';

const photoTypes: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/webp']);
const documentTypes: ReadonlySet<string> = new Set([
  'application/pdf',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
]);
const longestSide = 2_560;
const smallSide = 320;
/** A baseline JPEG is read row by row and takes some 60 MB, whatever its size. Phones take 12 to 50 million; no camera takes more than this. */
const mostPixels = 80_000_000;
/**
 * A progressive JPEG, an interlaced PNG and a lossless WebP are in memory as a whole before the first row is known, in 4 to 9 bytes for each
 * pixel: 0.9 MB of file once took 500 MB. Other PNGs are read row by row, but a large one with 16 bits took 6 s of a core. Cameras and
 * messengers that send such ones stay below 25 million.
 */
const mostPixelsOfOthers = 26_000_000;
const patienceSeconds = 10;
/**
 * So many photos are looked at side by side, and so many wait for it: what both have in memory together is known then. One gateway lets no more
 * come at once.
 */
const inTurn = turnstile(2);
const mostWaiting = 14;

/**
 * Looks what a file is, by its bytes and not by its name, and makes of a photo what is kept of it: turned upright, at most
 * 2,560 pixels on a side, as JPEG, and without anything that the camera wrote beside it, such as where it was taken.
 *
 * @param signal Aborted when nobody waits for it any more: what then still stands in line is not looked at.
 * @returns `overloaded` when too many wait already; it may be tried again.
 */
export async function inspect(
  content: Uint8Array,
  signal?: AbortSignal,
): Promise<Inspected | Refused<InspectionRefusal | 'overloaded'>> {
  const type = (await fileTypeFromBuffer(content))?.mime;
  if (type !== undefined && documentTypes.has(type)) return { kind: 'document', type, content };
  if (type === undefined || !photoTypes.has(type)) {
    return refuse('file-type-not-taken', { field: 'file', ...(type === undefined ? {} : { values: { type } }) });
  }
  if (inTurn.waiting() >= mostWaiting) return refuse('overloaded');
  return inTurn(async () => (signal?.aborted === true ? refuse('overloaded') : inspectPhoto(content)));
}

async function inspectPhoto(content: Uint8Array): Promise<Inspected | Refused<InspectionRefusal>> {
  // Loaded when the first photo comes: it takes its time and 30 MB, which a service without photos can do without.
  const { default: sharp } = await import('sharp');
  sharp.concurrency(1);
  sharp.cache(false);
  const shrunk = (side: number, source: Uint8Array): Promise<Uint8Array> =>
    sharp(source, { failOn: 'error', limitInputPixels: mostPixels, sequentialRead: true })
      .timeout({ seconds: patienceSeconds })
      .autoOrient()
      .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .jpeg({ quality: 82 })
      .toBuffer();
  try {
    // Only the head is read for this. A JPEG in several scans counts as progressive.
    const { width, height, format, isProgressive } = await sharp(content, { limitInputPixels: false }).metadata();
    const most = format === 'jpeg' && !isProgressive ? mostPixels : mostPixelsOfOthers;
    const pixels = width * height;
    if (pixels > most) return refuse('photo-too-large', { field: 'file', values: { pixels, most } });
    const whole = await shrunk(longestSide, content);
    return { kind: 'photo', type: 'image/jpeg', content: whole, small: await shrunk(smallSide, whole) };
  } catch {
    return refuse('photo-unreadable', { field: 'file' });
  }
}
