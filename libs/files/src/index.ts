export type { ContentStore } from './contents.ts';
export { type Belonging, type Files, openFiles, type ReadFile } from './files.ts';
export { gridFsContents } from './gridfs.ts';
export { type FileKind, type Inspected, type InspectionRefusal, inspect } from './inspection.ts';
export { type S3Bucket, s3Contents } from './s3.ts';
