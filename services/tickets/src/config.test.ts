import { expect, test } from 'vitest';
import { configure } from './config.ts';

const bucket = {
  BANDENG_FILES: 's3',
  BANDENG_S3_ENDPOINT: 'https://s3.example.org',
  BANDENG_S3_BUCKET: 'evidence',
  BANDENG_S3_ACCESS_KEY_ID: 'id',
  BANDENG_S3_SECRET_ACCESS_KEY: 'secret',
};

test('files lie in the database unless a bucket is named whole', () => {
  expect(configure({})).toEqual({ bucket: undefined });
  expect(configure(bucket)).toMatchObject({ bucket: { bucket: 'evidence', region: 'us-east-1' } });
  for (const name of ['BANDENG_S3_ENDPOINT', 'BANDENG_S3_BUCKET', 'BANDENG_S3_SECRET_ACCESS_KEY']) {
    expect(() => configure({ ...bucket, [name]: '' })).toThrow(name);
  }
  expect(() => configure({ BANDENG_FILES: 'disk' })).toThrow("'database' or 's3'");
});
