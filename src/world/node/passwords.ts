/** Hashing is argon2id with 19 MiB and two passes, the least that OWASP recommends; a verification costs about 20 ms of one core. */
const MEMORY_KIB = 19 * 1024;
const PASSES = 2;

/** Makes the hash of a password in the PHC form ('$argon2id$v=19$...'). The native module is loaded with the first call. */
export async function hashPassword(password: string): Promise<string> {
  const { hash } = await import('@node-rs/argon2');
  return hash(password, { memoryCost: MEMORY_KIB, timeCost: PASSES, parallelism: 1 });
}

/** Whether a password belongs to a hash; false also where the hash is none. */
export async function verifyPassword(hashed: string, password: string): Promise<boolean> {
  const { verify } = await import('@node-rs/argon2');
  try {
    return await verify(hashed, password);
  } catch (error) {
    // The module throws on a text that is no hash: nobody can log in with it.
    if (error instanceof Error) return false;
    throw error;
  }
}
