/** JPEGs of one grey, in two bits for each block of 64 pixels: as little file as there can be for so many pixels. */

/** Written in one scan for each colour, as progressive ones are: whoever reads it has to keep all of it until the last has come. */
export function flatJpeg(width: number, height: number): Buffer {
  const colours = [1, 2, 3];
  const sizes = [height >> 8, height & 255, width >> 8, width & 255];
  const frame = segment(0xc0, [8, ...sizes, colours.length, ...colours.flatMap((colour) => [colour, 0x11, 0])]);
  // One code of one bit: the same brightness as before, or the end of the block.
  const codes = (table: number) => segment(0xc4, [table, 1, ...Array.from({ length: 16 }, () => 0)]);
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  const scans = colours.flatMap((colour) => [segment(0xda, [1, colour, 0, 0, 63, 0]), Buffer.alloc((blocks * 2) / 8)]);
  const quantization = segment(0xdb, [0, ...Array.from({ length: 64 }, () => 1)]);
  return Buffer.concat([marker(0xd8), quantization, frame, codes(0x00), codes(0x10), ...scans, marker(0xd9)]);
}

function marker(code: number): Buffer {
  return Buffer.from([0xff, code]);
}

function segment(code: number, content: readonly number[]): Buffer {
  const length = content.length + 2;
  return Buffer.concat([marker(code), Buffer.from([length >> 8, length & 255, ...content])]);
}
