import { AwsClient } from 'aws4fetch';
import type { ContentStore } from './contents.ts';

/** A bucket of any store that speaks S3. */
export interface S3Bucket {
  /** `https://s3.example.org`, without the bucket. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const patience = 10_000;

/** Contents in a bucket, addressed by path, which every such store understands. */
export function s3Contents({ endpoint, bucket, region, accessKeyId, secretAccessKey }: S3Bucket): ContentStore {
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 2 });
  const ask = async (key: string, init: RequestInit): Promise<Response> => {
    const url = `${endpoint.replace(/\/+$/, '')}/${bucket}/${encodeURIComponent(key)}`;
    const answer = await client.fetch(url, { ...init, signal: AbortSignal.timeout(patience) });
    if (answer.ok || answer.status === 404) return answer;
    throw new Error(`the store answered ${answer.status} to ${init.method}`);
  };
  return {
    async put(key, content, type) {
      const body = Uint8Array.from(content);
      const answer = await ask(key, { method: 'PUT', body, headers: { 'content-type': type } });
      if (answer.status === 404) throw new Error('the store has no such bucket');
    },
    async get(key) {
      const answer = await ask(key, { method: 'GET' });
      return answer.status === 404 ? undefined : new Uint8Array(await answer.arrayBuffer());
    },
    async remove(key) {
      await ask(key, { method: 'DELETE' });
    },
  };
}
