/**
 * Takes the clock and chance away from domains: these overloads come before the library's, and what they answer is of no
 * use for anything. Instants and ids come in with the command.
 */
interface NotInADomain {
  readonly 'instants and ids come in with the command': never;
}
interface DateConstructor {
  (): NotInADomain;
  new (): NotInADomain;
  now(): NotInADomain;
}
interface Math {
  random(): NotInADomain;
}
