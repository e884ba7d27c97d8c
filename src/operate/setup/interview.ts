import type { Answers } from './answers.ts';
import { TRIES_MAX } from './limits.ts';
import { type Draft, type Known, type Question, type QuestionId, questions } from './questions.ts';

/** What came with the command line. */
export type Given = Partial<Readonly<Record<QuestionId, string>>>;

/** Who is asked. */
export interface Asking {
  /** A person; undefined where there is none. Resolves with undefined where he has left. */
  readonly ask:
    | ((question: Question, draft: Draft, suggestion: string | undefined) => Promise<string | undefined>)
    | undefined;
  /** Says why an answer cannot be used. */
  say(problem: string): void;
  /** What may be suggested is taken unasked. */
  readonly suggestionsTaken: boolean;
}

/** An option that is missing, and what it would be. */
export interface Missing {
  readonly option: string;
  readonly asks: string;
  readonly suggestion?: string;
}

/** All answers, or why there are none. */
export type Interviewed =
  | { readonly kind: 'answers'; readonly answers: Answers }
  | { readonly kind: 'problems'; readonly missing: readonly Missing[]; readonly problems: readonly string[] }
  | { readonly kind: 'left' };

type Got = Draft | 'missing' | 'left' | { readonly problem: string };

async function answer(question: Question, draft: Draft, known: Known, given: Given, asking: Asking): Promise<Got> {
  const fixed = given[question.id];
  const suggestion = question.suggestion(draft, known);
  if (fixed !== undefined || asking.ask === undefined || asking.suggestionsTaken) {
    const text = fixed ?? question.unasked ?? (asking.suggestionsTaken ? suggestion : undefined);
    if (text !== undefined) {
      const got = await question.take(text, draft, known);
      return got.ok ? got.value : { problem: `${question.option}: ${got.problem}` };
    }
    if (asking.ask === undefined) return 'missing';
  }
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const typed = await asking.ask(question, draft, suggestion);
    if (typed === undefined) return 'left';
    const text = typed.trim() === '' && suggestion !== undefined ? suggestion : typed;
    const got = await question.take(text, draft, known);
    if (got.ok) return got.value;
    asking.say(got.problem);
  }
  return 'left';
}

/** Goes through all questions. Without a person everything that is missing or wrong is named at once. */
export async function interview(known: Known, given: Given, asking: Asking): Promise<Interviewed> {
  let draft: Draft = {};
  const missing: Missing[] = [];
  const problems: string[] = [];
  for (const question of questions) {
    if (!question.applies(draft, known)) {
      if (given[question.id] !== undefined) problems.push(`${question.option} has no use with the other answers`);
      continue;
    }
    const got = await answer(question, draft, known, given, asking);
    if (got === 'left') return { kind: 'left' };
    if (got === 'missing') {
      const suggestion = question.suggestion(draft, known);
      const { option, asks } = question;
      missing.push(suggestion === undefined ? { option, asks } : { option, asks, suggestion });
    } else if ('problem' in got) problems.push(got.problem);
    else draft = { ...draft, ...got };
  }
  const answers = whole(draft);
  return answers === undefined || missing.length > 0 || problems.length > 0
    ? { kind: 'problems', missing, problems }
    : { kind: 'answers', answers };
}

function whole(draft: Draft): Answers | undefined {
  const { hostname, domains, mailboxes, send, certificate, data, ports, user, addresses, console: place } = draft;
  if (hostname === undefined || domains === undefined || mailboxes === undefined || send === undefined)
    return undefined;
  if (certificate === undefined || data === undefined || ports === undefined) return undefined;
  const answers = { hostname, domains, mailboxes, send, certificate, data, ports, user, addresses };
  return place === undefined ? answers : { ...answers, console: place };
}
