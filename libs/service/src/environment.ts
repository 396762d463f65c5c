/** The variables a service reads its configuration from; `process.env`, or a set of its own in tests and all-in-one. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Exit code of a process with a setting that cannot be used (EX_CONFIG of sysexits.h); its last line says which. */
export const exitOfWrongSetting = 78;

/** A setting that cannot be used; the message names the variable, what it holds and what it may hold. */
export class ConfigurationFault extends Error {
  override readonly name = 'ConfigurationFault';
}

/** A text setting, or its default. */
export function textSetting(environment: Environment, name: string, standard: string): string {
  const value = environment[name];
  return value === undefined || value === '' ? standard : value;
}

/** A text setting that must be there. */
export function neededSetting(environment: Environment, name: string, what: string): string {
  const value = textSetting(environment, name, '');
  if (value === '') throw new ConfigurationFault(`${name} is not set: ${what}`);
  return value;
}

/** A whole number within bounds, or its default. */
export function numberSetting(
  environment: Environment,
  name: string,
  standard: number,
  bounds: { least: number; most: number },
): number {
  const text = textSetting(environment, name, String(standard));
  const value = Number(text);
  if (!Number.isInteger(value) || value < bounds.least || value > bounds.most) {
    throw new ConfigurationFault(
      `${name} is '${text}': a whole number from ${bounds.least} to ${bounds.most} is needed`,
    );
  }
  return value;
}

/** A switch: `on` or `off`, or its default. */
export function switchSetting(environment: Environment, name: string, standard: boolean): boolean {
  const text = textSetting(environment, name, standard ? 'on' : 'off');
  if (text !== 'on' && text !== 'off') throw new ConfigurationFault(`${name} is '${text}': 'on' or 'off' is needed`);
  return text === 'on';
}

/** The JSON of a secret that `name` gives. @throws ConfigurationFault that shows nothing of it, as the parser's own would. */
export function secretJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigurationFault(`${name} is no JSON`);
  }
}
