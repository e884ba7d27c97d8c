/** A thing with some of its methods replaced. */
export function withOther<T extends object>(thing: T, other: Partial<T>): T {
  return new Proxy(thing, {
    get: (target, key) => {
      const value: unknown = Reflect.get(Reflect.has(other, key) ? other : target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
