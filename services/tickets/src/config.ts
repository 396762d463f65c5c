/** What the service can be told from outside. */
import type { S3Bucket } from '@bandeng/files';
import { ConfigurationFault, type Environment, neededSetting, textSetting } from '@bandeng/service';

export interface Configuration {
  /** Where photos and documents lie; undefined: in the service's own database. */
  readonly bucket: S3Bucket | undefined;
}

export function configure(environment: Environment): Configuration {
  const where = textSetting(environment, 'BANDENG_FILES', 'database');
  if (where === 'database') return { bucket: undefined };
  if (where !== 's3') throw new ConfigurationFault(`BANDENG_FILES is '${where}': 'database' or 's3' is needed`);
  const needed = (name: string, what: string) => neededSetting(environment, name, `${what}, for BANDENG_FILES=s3`);
  return {
    bucket: {
      endpoint: needed('BANDENG_S3_ENDPOINT', 'the address of the store, such as https://s3.example.org'),
      bucket: needed('BANDENG_S3_BUCKET', 'the name of the bucket'),
      region: textSetting(environment, 'BANDENG_S3_REGION', 'us-east-1'),
      accessKeyId: needed('BANDENG_S3_ACCESS_KEY_ID', 'the id of the access key'),
      secretAccessKey: needed('BANDENG_S3_SECRET_ACCESS_KEY', 'the access key'),
    },
  };
}
