/** The argument of ETRN (RFC 1985 §5.3): a node name; '@' before it asks for all below it, which we hold under the same name. '#queue' means nothing here. */
export function etrnDomain(argument: string): string | undefined {
  const name = (argument.startsWith('@') ? argument.slice(1) : argument).toLowerCase();
  return name.length <= 255 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name) ? name : undefined;
}
