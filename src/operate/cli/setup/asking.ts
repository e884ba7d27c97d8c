import type { Asking, Known, Question } from '../../setup/index.ts';
import type { Prompt } from '../prompt.ts';
import type { CliSession } from '../session.ts';
import { plain } from '../text.ts';

/** What a person sees of the questions. */
export interface Shown {
  readonly session: CliSession;
  readonly prompt: Prompt;
  readonly known: Known;
  /** Called before the question how to send. */
  beforeSend(): Promise<void>;
}

/** Asks a person on a terminal: the choice in a line or two, then the question with the answer that Enter takes. */
export function askPerson({ session, prompt, known, beforeSend }: Shown): Pick<Asking, 'ask' | 'say'> {
  let explained: string | undefined;
  const ask = async (
    question: Question,
    draft: Parameters<Question['explain']>[0],
    suggestion: string | undefined,
  ): Promise<string | undefined> => {
    if (explained !== question.id) {
      explained = question.id;
      session.print(`\n${session.paint('bold', question.asks)}`);
      for (const line of question.explain(draft, known)) session.print(`  ${plain(line)}`);
      if (question.id === 'send') await beforeSend();
    }
    if (question.secret === true) return prompt.secret('> ');
    return prompt.line(suggestion === undefined ? '> ' : `[${plain(suggestion)}] > `);
  };
  return { ask, say: (problem) => session.print(session.paint('yellow', `  ${plain(problem)}`)) };
}
