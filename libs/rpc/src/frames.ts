/** Messages as they go over the wire (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message). */

/** Bytes before a message: whether it is compressed, and its length. */
export const prefix = 5;

/** A message on its way, not compressed. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(prefix + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefix);
  return frame;
}

/** The one message that came in these chunks, or why there is none: it is compressed, or something else than one whole message. */
export function unframed(chunks: readonly Buffer[]): Buffer | 'compressed' | 'not-one' {
  const [first] = chunks;
  const body = chunks.length === 1 ? first : Buffer.concat(chunks);
  if (body === undefined || body.length < prefix || body.length !== prefix + body.readUInt32BE(1)) return 'not-one';
  return body[0] === 0 ? body.subarray(prefix) : 'compressed';
}
