import { findConfigurationFile, noConfigurationText } from '../operate/cli/find-service.ts';
import type { World } from '../world/world.ts';

/** The configuration file that `ims run` was told, found as every command of `ims` finds it; or what is wrong with the arguments. */
export async function configurationArgument(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  world: Pick<World, 'disk' | 'network' | 'clock' | 'random'>,
): Promise<{ readonly ok: true; readonly value: string } | { readonly ok: false; readonly problem: string }> {
  let named: string | undefined;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    if (word.startsWith('--config=')) named = word.slice('--config='.length);
    else if (word === '--config' || word === '-c') {
      i += 1;
      named = words[i] ?? '';
    } else return { ok: false, problem: `ims run: unknown argument ${word}; usage: ims run [--config FILE]` };
  }
  if (named === '') return { ok: false, problem: 'ims run: --config needs a file name' };
  const found = await findConfigurationFile({ environment, world }, named);
  return found === undefined
    ? { ok: false, problem: `${noConfigurationText()}\n\`ims config example > ims.yaml\` makes one.` }
    : { ok: true, value: found };
}
