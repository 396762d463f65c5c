import { type Refused, refuse } from '@bandeng/decider';
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

/** Why a file is not taken: its bytes are of no kind that is, or they begin like a photo and cannot be read as one. */
export type InspectionRefusal = 'file-type-not-taken' | 'photo-unreadable';

const photoTypes: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/webp']);
const documentTypes: ReadonlySet<string> = new Set([
  'application/pdf',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
]);
const longestSide = 2_560;
const smallSide = 320;
/** A photo of a phone has 12 to 50 million; a small file that unfolds to more is not one. */
const mostPixels = 80_000_000;
const patienceSeconds = 10;

/**
 * Looks what a file is, by its bytes and not by its name, and makes of a photo what is kept of it: turned upright, at most
 * 2,560 pixels on a side, as JPEG, and without anything that the camera wrote beside it, such as where it was taken.
 */
export async function inspect(content: Uint8Array): Promise<Inspected | Refused<InspectionRefusal>> {
  const type = (await fileTypeFromBuffer(content))?.mime;
  if (type !== undefined && documentTypes.has(type)) return { kind: 'document', type, content };
  if (type === undefined || !photoTypes.has(type)) {
    return refuse('file-type-not-taken', { field: 'file', ...(type === undefined ? {} : { values: { type } }) });
  }
  // Loaded when the first photo comes: it takes its time and 30 MB, which a service without photos can do without.
  const { default: sharp } = await import('sharp');
  sharp.concurrency(1);
  sharp.cache(false);
  const shrunk = (side: number, source: Uint8Array): Promise<Uint8Array> =>
    sharp(source, { failOn: 'error', limitInputPixels: mostPixels })
      .timeout({ seconds: patienceSeconds })
      .autoOrient()
      .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .jpeg({ quality: 82 })
      .toBuffer();
  try {
    const whole = await shrunk(longestSide, content);
    return { kind: 'photo', type: 'image/jpeg', content: whole, small: await shrunk(smallSide, whole) };
  } catch {
    return refuse('photo-unreadable', { field: 'file' });
  }
}
