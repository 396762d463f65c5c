import { isRefused } from '@bandeng/decider';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { type Inspected, inspect } from './inspection.ts';

const red = { r: 200, g: 20, b: 20 };
const blank = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: red } });

/** A photo as a phone takes it: lying on its side, and saying where it was taken. */
const fromPhone = (width = 400, height = 300): Promise<Uint8Array> =>
  blank(width, height)
    .withExif({ IFD0: { Model: 'a phone' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '24/1 24/1 0/1' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();

async function kept(content: Uint8Array): Promise<Inspected> {
  const inspected = await inspect(content);
  if (isRefused(inspected)) throw new Error(inspected.refused);
  return inspected;
}

describe('a photo', () => {
  test('is turned upright and says nothing of camera and place any more', async () => {
    const photo = await fromPhone();
    const before = await sharp(photo).metadata();
    expect(before).toMatchObject({ orientation: 6, width: 400, height: 300 });
    expect(before.exif).toBeDefined();
    const { kind, type, content, small } = await kept(photo);
    expect({ kind, type }).toEqual({ kind: 'photo', type: 'image/jpeg' });
    for (const one of [content, small ?? content]) {
      const { exif, orientation, icc, xmp, iptc } = await sharp(one).metadata();
      expect({ exif, orientation, icc, xmp, iptc }).toEqual({});
      expect(Buffer.from(one).includes('a phone')).toBe(false);
    }
    expect(await sharp(content).metadata()).toMatchObject({ width: 300, height: 400 });
  });

  test('is kept at a size that shows what matters, and in small', async () => {
    const { content, small } = await kept(await fromPhone(3_200, 1_600));
    expect(await sharp(content).metadata()).toMatchObject({ width: 1_280, height: 2_560 });
    expect(await sharp(small).metadata()).toMatchObject({ width: 160, height: 320 });
  });

  test('may be a PNG or WebP with nothing behind it', async () => {
    const through = sharp({ create: { width: 40, height: 40, channels: 4, background: { ...red, alpha: 0 } } });
    for (const picture of [await through.png().toBuffer(), await through.webp().toBuffer()]) {
      expect(await kept(picture)).toMatchObject({ kind: 'photo', type: 'image/jpeg' });
    }
  });

  test('that is cut off is refused', async () => {
    const whole = await fromPhone(2_000, 2_000);
    const refused = { refused: 'photo-unreadable', field: 'file' };
    expect(await inspect(whole.subarray(0, whole.length / 2))).toMatchObject(refused);
  });

  test('that unfolds to more than any camera takes is refused by its pixels', async () => {
    const refused = { refused: 'photo-too-large', field: 'file' };
    expect(await inspect(await blank(9_000, 9_000).jpeg().toBuffer())).toEqual({
      ...refused,
      values: { pixels: 81_000_000, most: 80_000_000 },
    });
    const large = blank(6_000, 4_500);
    const values = { pixels: 27_000_000, most: 26_000_000 };
    expect(await inspect(await large.clone().jpeg({ progressive: true }).toBuffer())).toEqual({ ...refused, values });
    expect(await inspect(await large.clone().png({ compressionLevel: 1 }).toBuffer())).toEqual({ ...refused, values });
    expect(await inspect(await large.clone().webp({ effort: 0 }).toBuffer())).toEqual({ ...refused, values });
  });

  test('is taken as phones make it: 50 million pixels row by row, 24 million as a progressive JPEG', async () => {
    await kept(await blank(8_160, 6_120).jpeg().toBuffer());
    await kept(await blank(5_712, 4_284).jpeg({ progressive: true }).toBuffer());
  });

  test('is not looked at when nobody waits for it any more', async () => {
    const photo = await fromPhone();
    expect(await inspect(photo, AbortSignal.abort())).toMatchObject({ refused: 'overloaded' });
  });
});

describe('what a file is', () => {
  test('is said by its bytes, whatever its name', async () => {
    const refused = { refused: 'file-type-not-taken', field: 'file' };
    expect(await inspect(Buffer.from('这是一个文本文件，不是照片'))).toMatchObject(refused);
    expect(await inspect(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"></svg>'))).toMatchObject(refused);
    expect(await inspect(Buffer.from('<html><script>alert(1)</script></html>'))).toMatchObject(refused);
    expect(await inspect(new Uint8Array())).toMatchObject(refused);
    expect(await inspect(await blank(4, 4).gif().toBuffer())).toMatchObject({
      ...refused,
      values: { type: 'image/gif' },
    });
  });

  test('a document is kept as it came', async () => {
    const document = Buffer.from('%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n');
    expect(await inspect(document)).toEqual({ kind: 'document', type: 'application/pdf', content: document });
  });
});
