import { isLanguage } from '@bandeng/identity/administrator';
import { firstAdministrator } from '../administrator.ts';
import { issuerAddress } from '../gateway.ts';
import { installationOf } from '../installation.ts';
import { type Command, readArguments, WrongUse } from './command.ts';

const flags = {
  name: { type: 'string' },
  language: { type: 'string' },
  province: { type: 'string' },
  city: { type: 'string' },
} as const;

export const command: Command = {
  usage: 'administrator LOGIN --name NAME [--language zh-CN|en] [--province NAME --city NAME]',
  async run(args) {
    const { values, positionals } = readArguments(args, flags, { least: 1, most: 1 });
    const [login = ''] = positionals;
    const { name = '', language = 'zh-CN', province, city } = values;
    if (name === '') throw new WrongUse('--name is missing: as others will see it');
    if (!isLanguage(language)) throw new WrongUse(`'${language}' is no language: zh-CN or en`);
    if (login.trim() === '' || login.length > 100) throw new WrongUse('a login has 1 to 100 characters');
    const { environment } = await installationOf(process.env);
    const withPassword = environment.BANDENG_EMBEDDED_PROVIDER !== 'off';
    const quiet = { ...environment, BANDENG_LOG_LEVEL: 'silent' };
    const made = await firstAdministrator(quiet, { login, name, language, province, city, withPassword });
    console.log(`account    ${made.id}`);
    if (made.password === undefined) {
      console.log(`sign-in    at ${await issuerAddress(process.env)}, which gives this account as 'sub'`);
    } else {
      console.log(`login      ${login}`);
      console.log(`password   ${made.password}   (works once: the first sign-in asks for another)`);
    }
    return 0;
  },
};
