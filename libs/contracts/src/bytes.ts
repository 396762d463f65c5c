import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Codec } from './catalogue.ts';

/** A writer that has grown larger is let go: it would keep the memory of one file for ever. */
const mostKept = 64 * 1024;

let kept: BinaryWriter | undefined;

/** The bytes of a message, by a writer that is used again: making and growing one costs as much as a small message. */
export function bytesOf<Message>(codec: Codec<Message>, message: Message): Uint8Array<ArrayBuffer> {
  const writer = kept ?? new BinaryWriter();
  kept = undefined; // one that fails in the middle is not used again
  const bytes = codec.encode(message, writer).finish();
  if (bytes.length <= mostKept) kept = writer;
  return bytes;
}
