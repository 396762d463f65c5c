/** Reads a file out of a form, as browsers send it: in one part named `file`, and never more of it than may be kept. */
import type { Readable } from 'node:stream';
import { largestFile } from '@bandeng/rpc';
import { Busboy, type BusboyFileStream, type BusboyHeaders } from '@fastify/busboy';
import type { FastifyRequest } from 'fastify';
import { type FieldProblem, fault, invalid, type Problem, problem } from './problems.ts';

/** What comes beyond a file that is too large is read on and thrown away, so that the client gets to read why; not for ever. */
const mostRead = 64 * 1024 * 1024;

/** What is left of a form is read this long after it has come. */
const formMs = 1_000;

/** Whoever sends fewer bytes a second than this, after so many milliseconds, gives the place to somebody else. */
const slowest = 20 * 1024;
const startMs = 5_000;

type Upload = { readonly content: Buffer } | { readonly problem: Problem };

/** The rest of a file will not come: its sender left, or has been answered that it takes too long. */
export class BrokenOff extends Error {
  constructor() {
    super('the file broke off');
  }
}

/** The file, or what is wrong with it. Rejects with `BrokenOff`. */
export function readUpload(request: FastifyRequest, payload: Readable): Promise<Upload> {
  const type = request.headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*;.*boundary=/i.test(type)) {
    payload.resume();
    const title = 'The body must be multipart/form-data with the file in a part named `file`';
    return Promise.resolve({ problem: problem('media-type-unsupported', { title }) });
  }
  const form = formOf(type);
  if (form === undefined) {
    payload.resume();
    return Promise.resolve({ problem: problem('malformed', { detail: 'The form has no usable boundary.' }) });
  }
  let pace: NodeJS.Timeout | undefined;
  return new Promise<Upload>((resolve, reject) => {
    const gone = (): void => {
      payload.unpipe(form);
      reject(new BrokenOff());
    };
    // Whoever stood in line may have left meanwhile.
    if (payload.destroyed || request.signal.aborted) return gone();
    // Fastify says so when the time is over, and also when all has come.
    request.signal.addEventListener('abort', () => {
      if (!request.raw.complete) gone();
    });
    const since = performance.now();
    pace = setInterval(() => {
      const seconds = (performance.now() - since - startMs) / 1_000;
      if (read < slowest * seconds) settle({ problem: problem('too-slow') });
    }, 1_000);
    const faults: FieldProblem[] = [];
    const pieces: Buffer[] = [];
    let files = 0;
    let tooLarge = false;
    let read = 0;
    const settle = (outcome: Upload): void => {
      payload.unpipe(form);
      payload.resume();
      resolve(outcome);
    };
    form.on('file', (name: string, file: BusboyFileStream) => {
      if (name !== 'file') faults.push(fault(name, 'unknown', 'There is no such part.'));
      else if (++files > 1) faults.push(fault(name, 'duplicate', 'The part is given more than once.'));
      const wanted = name === 'file' && files === 1;
      file.on('error', broken);
      file.on('limit', () => {
        tooLarge ||= wanted;
        if (wanted) pieces.length = 0;
      });
      file.on('data', (piece: Buffer) => wanted && !tooLarge && pieces.push(piece));
    });
    form.on('field', (name: string) => {
      const message = name === 'file' ? 'Must be a file, with a file name.' : 'There is no such part.';
      faults.push(fault(name, name === 'file' ? 'type' : 'unknown', message));
    });
    // More than one may come, and each that nobody hears would end the process.
    const broken = (): void => settle({ problem: problem('malformed') });
    form.on('error', broken);
    form.once('finish', () => {
      if (tooLarge) return settle({ problem: fileTooLarge() });
      if (files === 0 && faults.length === 0) faults.push(fault('file', 'required', 'must be given'));
      return settle(faults.length > 0 ? { problem: invalid(faults) } : { content: Buffer.concat(pieces) });
    });
    payload.on('data', (piece: Buffer) => {
      read += piece.length;
      if (read > mostRead) settle({ problem: fileTooLarge() });
    });
    payload.once('error', gone);
    payload.once('close', () => {
      if (!request.raw.complete) gone();
      // Some forms that break off are never said to be broken.
      else setTimeout(broken, formMs);
    });
    payload.pipe(form);
    return undefined;
  }).finally(() => clearInterval(pace));
}

/** A reader of the form; undefined when its boundary is none. */
function formOf(type: string): InstanceType<typeof Busboy> | undefined {
  const headers: BusboyHeaders = { 'content-type': type };
  // Parts beyond these are not told one by one; nobody sends them by mistake.
  const limits = { fileSize: largestFile, files: 5, fields: 5, parts: 10, fieldSize: 1_000 };
  try {
    return new Busboy({ headers, limits });
  } catch {
    return undefined;
  }
}

function fileTooLarge(): Problem {
  const message = `must have at most ${largestFile / 1024 / 1024} MB`;
  return problem('file-too-large', { fields: [fault('file', 'maxSize', message)] });
}
